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
import type { Runtime } from './runtime.ts';
import { knownOf } from './workflow-tasks.ts';

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
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const { found, at } = await workflows.get(namespace, root);
    if (!found) throw new StoreAway(`Workflow ${root} is not in the store.`);
    const { record, revision } = found;
    const cause = turn ?? overdue(record, at);
    const course = await courseOf(runtime, workflow, record, cause, at);
    if (!isMoving(record, course)) return record;
    const move = await planMove(runtime, workflow, course, at);
    const answer = await workflows.write({ kind: 'move', revision, record: move.record });
    if (answer === 'written') {
      if (move.tasks.length > 0) await runtime.publisher.publish(move.tasks);
      if (!hasTurned(record, course)) return move.record;
    }
  }
  throw new StoreAway(`Workflow ${root} kept moving while it was advanced. The sweep tries again.`);
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
  const known = await knownOf(runtime, record);
  let informed = course.record;
  for (const name of course.cancel) {
    const source = { record: informed, workflow, known, madeAt: storeNow };
    const progress = await cancelMember(runtime, source, name);
    const isNews = progress && progress.state !== informed.members[name]?.state;
    if (isNews) informed = withNews(informed, { name, progress });
  }
  return informed === course.record ? course : advance(informed, workflow.plan);
}

function hasTurned(before: WorkflowRecord, { record, cancel }: Course): boolean {
  return cancel.length > 0 && before.status !== record.status;
}

function overdue(record: WorkflowRecord, storeNow: number): RecordedError | undefined {
  if (record.status !== 'running' || record.deadlineAt === undefined) return undefined;
  if (storeNow < record.deadlineAt) return undefined;
  return {
    code: 'deadline_passed',
    message: `The workflow was not done by ${new Date(record.deadlineAt).toISOString()}.`,
    retryable: false,
  };
}
