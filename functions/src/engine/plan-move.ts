import { recordedError } from '../operation/errors.ts';
import type { RecordedError } from '../operation/errors.ts';
import type { TaskMessage } from '../operation/task.ts';
import { tick } from '../token/lamport.ts';
import type { Course } from '../workflow/advance.ts';
import type { MemberProgress, WorkflowRecord } from '../workflow/record.ts';
import type { AnyWorkflow, Member } from './define-workflow.ts';
import type { Runtime } from './runtime.ts';
import { backTask, forwardTask, knownOf } from './workflow-tasks.ts';
import type { Known } from './workflow-tasks.ts';

/** How long after a move a sweep looks whether its tasks have come through. */
export const REDRIVE_AFTER_MS = 120_000;

/** A workflow's next record, and the tasks that are to be published once it stands. */
export interface Move {
  readonly record: WorkflowRecord;
  readonly tasks: readonly TaskMessage[];
}

/**
 * Turns a course into a move: makes the tasks it asks for and notes them in the record. Params that
 * can't be built park the workflow: nobody else could build them either.
 */
export async function planMove(
  runtime: Runtime,
  workflow: AnyWorkflow,
  course: Course,
  storeNow: number,
): Promise<Move> {
  const { record, forward, back } = course;
  if (forward.length === 0 && back.length === 0) return settle({ record, tasks: [] }, storeNow);
  const known = await knownOf(runtime, record);
  const ticked = { ...record, logicalTime: tick(record.logicalTime) };
  try {
    const made = [
      ...forward.map((name) =>
        published(ticked, workflow, memberOf(workflow, name), known, storeNow),
      ),
      ...back.map((name) => undoing(ticked, workflow, memberOf(workflow, name), known)),
    ];
    const members = { ...record.members };
    for (const { name, progress } of made) members[name] = progress;
    return settle(
      { record: { ...ticked, members }, tasks: made.map(({ task }) => task) },
      storeNow,
    );
  } catch (error) {
    return settle({ record: parked(record, unbuildable(error)), tasks: [] }, storeNow);
  }
}

/** A workflow that stands still until a person acts. */
export function parked(record: WorkflowRecord, why: RecordedError): WorkflowRecord {
  const from = record.status === 'running' ? 'running' : 'compensating';
  return { ...record, status: 'parked', parked: why, parkedFrom: from };
}

interface Made {
  readonly name: string;
  readonly task: TaskMessage;
  readonly progress: MemberProgress;
}

function published(
  record: WorkflowRecord,
  workflow: AnyWorkflow,
  member: Member,
  known: Known,
  storeNow: number,
): Made {
  const { name, deadlineMs } = member;
  const task = forwardTask(record, workflow, member, known);
  const { token } = task;
  if (deadlineMs === undefined) return { name, task, progress: { state: 'published', token } };
  const deadlineAt = Math.ceil(storeNow + deadlineMs);
  return {
    name,
    task: { ...task, deadlineAt },
    progress: { state: 'published', token, deadlineAt },
  };
}

function undoing(
  record: WorkflowRecord,
  workflow: AnyWorkflow,
  member: Member,
  known: Known,
): Made {
  const { name } = member;
  const standing = record.members[name];
  if (!standing) throw new RangeError(`Step "${name}" has not run, so it can't be undone.`);
  const retries = standing.retries ?? 0;
  const task = backTask(record, workflow, member, known, retries);
  const { result, forward = standing.token } = standing;
  return {
    name,
    task,
    progress: {
      state: 'undoing',
      token: task.token,
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
  if (!isUnderWay(record)) return { record: rest, tasks };
  const soon = Math.ceil(storeNow + REDRIVE_AFTER_MS);
  const beforeDeadline = record.status === 'running' ? record.deadlineAt : undefined;
  return { record: { ...rest, dueAt: Math.min(soon, beforeDeadline ?? soon) }, tasks };
}

function unbuildable(error: unknown): RecordedError {
  const { code, message } = recordedError(error);
  return {
    code: 'params_not_built',
    message: `The next step's params could not be built (${code}: ${message}). Mend the definition, then retry.`,
    retryable: false,
  };
}
