import { StoreAway } from '../operation/errors.ts';
import type { RecordedError } from '../operation/errors.ts';
import type { WorkflowStore } from '../ports/workflow-store.ts';
import type { Namespace, Token } from '../token/token.ts';
import { advance, isMoving, turnBack, withNews } from '../workflow/advance.ts';
import type { Course } from '../workflow/advance.ts';
import type { WorkflowRecord } from '../workflow/record.ts';
import { cancelMember } from './cancel-member.ts';
import type { AnyWorkflow } from './define-workflow.ts';
import { planMove } from './plan-move.ts';
import type { Move } from './plan-move.ts';
import type { Runtime } from './runtime.ts';

const MAX_ROUNDS = 10;

/** Which workflow, its definition, and where it is kept. */
export interface WorkflowAt {
  readonly workflows: WorkflowStore;
  readonly workflow: AnyWorkflow;
  readonly namespace: Namespace;
  readonly root: Token;
}

/**
 * Takes a workflow as far as what is known of it allows: cancels what must not start, moves it on by
 * one conditional write, publishes what follows. Whoever comes second finds it moved and does nothing.
 * `turn` turns a running one back, for the reason given.
 */
export async function advanceWorkflow(
  runtime: Runtime,
  { workflows, workflow, namespace, root }: WorkflowAt,
  turn?: RecordedError,
): Promise<WorkflowRecord> {
  let sent: Move | undefined;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const { found, at } = await workflows.get(namespace, root);
    if (!found) throw new StoreAway(`Workflow ${root} is not in the store.`);
    const { record, revision } = found;
    // Refused, and yet it stands: the client met its own write, whose answer was lost.
    if (sent && record.moveId === sent.record.moveId) await publishMove(runtime, sent);
    const cause = turn ?? overdue(record, at);
    const course = await courseOf(runtime, workflow, record, cause, at);
    if (!isMoving(record, course)) return record;
    const move = signed(runtime, await planMove(runtime, workflow, course, at));
    sent = move;
    const answer = await workflows.write({ kind: 'move', revision, record: move.record });
    if (answer === 'written') {
      await publishMove(runtime, move);
      if (!hasTurned(record, course)) return move.record;
      sent = undefined;
    }
  }
  throw new StoreAway(`Workflow ${root} kept moving while it was advanced. The sweep tries again.`);
}

function signed(runtime: Runtime, { record, tasks }: Move): Move {
  return { record: { ...record, moveId: runtime.newClaimId() }, tasks };
}

/** What a move that stands has made to be published. */
export async function publishMove({ publisher }: Runtime, { tasks }: Move): Promise<void> {
  if (tasks.length > 0) await publisher.publish(tasks);
}

/**
 * The course, once every step that must not start is cancelled or known to be beyond that. That a
 * workflow turns back is recorded before: a step cancelled in one that still runs would stall it.
 */
async function courseOf(
  runtime: Runtime,
  workflow: AnyWorkflow,
  record: WorkflowRecord,
  cause: RecordedError | undefined,
  storeNow: number,
): Promise<Course> {
  const course = cause ? turnBack(record, workflow.plan, cause) : advance(record, workflow.plan);
  if (course.cancel.length === 0 || hasTurned(record, course)) return course;
  let informed = course.record;
  for (const name of course.cancel) {
    const place = { record: informed, workflow, madeAt: storeNow };
    const progress = await cancelMember(runtime, place, name);
    const isNews = progress && progress.state !== informed.members[name]?.state;
    if (isNews) informed = withNews(informed, { name, progress });
  }
  return informed === course.record ? course : advance(informed, workflow.plan);
}

function hasTurned(before: WorkflowRecord, { record, cancel }: Course): boolean {
  return cancel.length > 0 && before.status !== record.status;
}

/** Why a workflow that still goes forward must turn back by now, if it must. */
export function overdue(record: WorkflowRecord, storeNow: number): RecordedError | undefined {
  if (record.status !== 'running' || record.deadlineAt === undefined) return undefined;
  if (storeNow < record.deadlineAt) return undefined;
  return {
    code: 'deadline_passed',
    message: `The workflow was not done by ${new Date(record.deadlineAt).toISOString()}.`,
    retryable: false,
  };
}
