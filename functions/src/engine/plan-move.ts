import type { TaskMessage } from '../operation/task.ts';
import { tick } from '../token/lamport.ts';
import type { Course } from '../workflow/advance.ts';
import { isAtItsEnd } from '../workflow/record.ts';
import type { MemberProgress, WorkflowRecord } from '../workflow/record.ts';
import type { AnyWorkflow, Member } from './define-workflow.ts';
import { parseParams } from './param-faults.ts';
import { misfit, parked, reportParked, unbuildable, unmadeParams } from './parked.ts';
import type { Unmade } from './parked.ts';
import type { Runtime } from './runtime.ts';
import type { AnyStep } from './step.ts';
import { backTask, forwardTask, knownOf } from './workflow-tasks.ts';
import type { FreshResult, TaskSource } from './workflow-tasks.ts';

/** How long after a move a sweep looks whether its tasks have come through. */
export const REDRIVE_AFTER_MS = 120_000;

/** A workflow's next record, and the tasks that are to be published once it stands. */
export interface Move {
  readonly record: WorkflowRecord;
  readonly tasks: readonly TaskMessage[];
}

/**
 * Turns a course into a move: makes the tasks it asks for and notes them in the record. Params that
 * can't be built, or that their step's schema refuses, park the workflow before anything of the stage
 * is published: nobody else could build better ones. A person mends the definition and retries, or
 * cancels; what has completed stays either way.
 *
 * @throws where the results that params are built from can't be read now
 */
export async function planMove(
  runtime: Runtime,
  workflow: AnyWorkflow,
  course: Course,
  storeNow: number,
  fresh?: FreshResult,
): Promise<Move> {
  const { record, forward, back } = course;
  reportParked(runtime, record);
  if (forward.length === 0 && back.length === 0) return settle({ record, tasks: [] }, storeNow);
  const known = await knownOf(runtime, record, fresh);
  const ticked = { ...record, logicalTime: tick(record.logicalTime) };
  const source = { record: ticked, workflow, known, madeAt: storeNow };
  const wanted = [
    ...forward.map((name) => ({ name, make: published })),
    ...back.map((name) => ({ name, make: undoing })),
  ];
  const made = await Promise.all(
    wanted.map(({ name, make }) => madeOrNot(name, () => make(source, memberOf(workflow, name)))),
  );
  const unmade = made.filter((each) => 'kind' in each);
  if (unmade.length > 0) {
    const standing = parked(record, unmadeParams(unmade));
    reportParked(runtime, standing);
    return settle({ record: standing, tasks: [] }, storeNow);
  }
  const tasks = made.filter((each) => 'task' in each);
  const members = { ...record.members };
  for (const { name, progress } of tasks) members[name] = progress;
  return settle({ record: { ...ticked, members }, tasks: tasks.map(({ task }) => task) }, storeNow);
}

interface Made {
  readonly name: string;
  readonly task: TaskMessage;
  /** What runs the task. */
  readonly step: AnyStep;
  readonly progress: MemberProgress;
}

function published(source: TaskSource, member: Member): Made {
  const { name, step, deadlineMs } = member;
  const task = forwardTask(source, member);
  const { token, requestHash } = task;
  const progress = { state: 'published', token, requestHash } as const;
  if (deadlineMs === undefined) return { name, step, task, progress };
  const deadlineAt = Math.ceil(source.madeAt + deadlineMs);
  return { name, step, task: { ...task, deadlineAt }, progress: { ...progress, deadlineAt } };
}

function undoing(source: TaskSource, member: Member): Made {
  const { name, compensate } = member;
  const standing = source.record.members[name];
  if (!standing) throw new RangeError(`Step "${name}" has not run, so it can't be undone.`);
  const retries = standing.retries ?? 0;
  const task = backTask(source, member, retries);
  const { result, forward = standing.token } = standing;
  return {
    name,
    step: compensate?.step ?? member.step,
    task,
    progress: {
      state: 'undoing',
      token: task.token,
      requestHash: task.requestHash,
      forward,
      ...(result && { result }),
      ...(retries > 0 && { retries }),
    },
  };
}

export function memberOf(workflow: AnyWorkflow, name: string): Member {
  const member = workflow.stages.flat().find((candidate) => candidate.name === name);
  if (member) return member;
  throw new RangeError(`Workflow ${workflow.name} v${workflow.version} has no step "${name}".`);
}

/** Whether a sweep has anything to look after: a parked workflow's other tasks may be on their way. */
export function isUnderWay({ status, members }: WorkflowRecord): boolean {
  if (status === 'running' || status === 'compensating') return true;
  return status === 'parked' && Object.values(members).some(({ state }) => state === 'undoing');
}

/** Sets when a sweep is to look again; a workflow at its end, or at rest while parked, is left alone. */
function settle({ record, tasks }: Move, storeNow: number): Move {
  const { dueAt: _dueAt, ...rest } = record;
  if (isAtItsEnd(record)) {
    const { keptMs } = record;
    const forgetAt = keptMs !== undefined && { forgetAt: Math.ceil(storeNow + keptMs) };
    return { record: { ...rest, ...forgetAt }, tasks };
  }
  if (!isUnderWay(record)) return { record: rest, tasks };
  const soon = Math.ceil(storeNow + REDRIVE_AFTER_MS);
  const beforeDeadline = record.status === 'running' ? record.deadlineAt : undefined;
  return { record: { ...rest, dueAt: Math.min(soon, beforeDeadline ?? soon) }, tasks };
}

async function madeOrNot(member: string, make: () => Made): Promise<Made | Unmade> {
  try {
    const made = make();
    const { step, task } = made;
    const parsed = await parseParams(step, task.params);
    return parsed.success ? made : misfit(member, step.action, parsed.faults);
  } catch (error) {
    return unbuildable(member, error);
  }
}
