import type { OperationRecord } from '../operation/record.ts';
import type { TaskMessage, WorkflowPlace } from '../operation/task.ts';
import { advance, isMoving } from '../workflow/advance.ts';
import type { Plan } from '../workflow/advance.ts';
import type { WorkflowRecord } from '../workflow/record.ts';
import { advanceWorkflow } from './advance-workflow.ts';
import type { WorkflowAt } from './advance-workflow.ts';
import { tell } from './owed-news.ts';
import type { Standing } from './owed-news.ts';
import type { Steps } from './register-steps.ts';
import type { Runtime } from './runtime.ts';
import { seeToMembers } from './see-to-members.ts';

/**
 * What a settled step's duplicate still owes its workflow. Mostly nothing: its progress was committed
 * with it. But a person may have given the result, or a crash may have come between the commit and what
 * follows from it; then the workflow is told, or moved on, or the next tasks are published again. The
 * duplicate of a step that the workflow is already beyond publishes nothing.
 */
export async function catchUp(
  runtime: Runtime,
  steps: Steps,
  task: TaskMessage,
  operation: OperationRecord,
): Promise<void> {
  const { workflows } = runtime.store;
  const { workflow: place, action } = task;
  if (!workflows) return;
  const workflow = place
    ? steps.workflows.pinned(place.name, place.version)
    : steps.workflows.latest(action);
  if (!workflow) return;
  const { namespace } = operation;
  // One that follows from another's step is known by its start's token; the start is in that ledger.
  const root = place ? operation.root : operation.token;
  const standing: Standing = new Map(place && [[place.member, operation]]);
  const { told, found } = await tell(runtime, { workflows, workflow, namespace, root }, standing);
  if (told || !found) return;

  const { record } = found;
  const pinned = steps.workflows.pinned(record.name, record.version);
  if (!pinned) return;
  const at: WorkflowAt = { workflows, workflow: pinned, namespace, root };
  const moving = isMoving(record, advance(record, pinned.plan));
  const turnedBack = record.status === 'compensating';
  const after = moving || turnedBack ? await advanceWorkflow(runtime, at) : record;
  // Logical time tells whether that has made, and published, the tasks which are open now.
  if (after.logicalTime !== record.logicalTime) return;
  if (isRightBehind(after, at, place)) await seeToMembers(runtime, at, after);
}

/** Whether the step's completion is what published the tasks that are open now. */
function isRightBehind(
  record: WorkflowRecord,
  { workflow: { plan } }: WorkflowAt,
  place: WorkflowPlace | undefined,
): boolean {
  const own = place
    ? plan.stages.findIndex((stage) => stage.some(({ name }) => name === place.member))
    : -1;
  switch (record.status) {
    case 'running':
      return own === record.stage - 1;
    case 'compensating':
      return own === stageTakenBackBefore(record, plan, place?.direction);
    case 'completed':
    case 'compensated':
    case 'parked':
      return false;
  }
}

/**
 * The stage whose end has published the compensations that are open now: the one taken back before, for
 * a compensation; for a step forward the one that turned the workflow back, if nothing is between.
 */
function stageTakenBackBefore(
  { members, stage }: WorkflowRecord,
  { stages }: Plan,
  direction: WorkflowPlace['direction'] | undefined,
): number | undefined {
  const statesOf = (index: number) => stages[index]?.map(({ name }) => members[name]?.state) ?? [];
  const open = stages.findIndex((_, index) => statesOf(index).includes('undoing'));
  if (open < 0) return undefined;
  for (let index = open + 1; index <= stage; index += 1) {
    const takenBack = statesOf(index).some((state) => state === 'undone' || state === 'skipped');
    if (takenBack) return direction === 'back' ? index : undefined;
  }
  return direction === 'forward' ? stage : undefined;
}
