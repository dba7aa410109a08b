import { StoreAway } from '../operation/errors.ts';
import type { OperationRecord } from '../operation/record.ts';
import type { TaskMessage, WorkflowPlace } from '../operation/task.ts';
import { isOpen, withNews } from '../workflow/advance.ts';
import type { MemberProgress, WorkflowRecord } from '../workflow/record.ts';
import { advanceWorkflow } from './advance-workflow.ts';
import type { WorkflowAt } from './advance-workflow.ts';
import { progressFrom } from './cancel-member.ts';
import { memberOf } from './plan-move.ts';
import type { Steps } from './register-steps.ts';
import type { Runtime } from './runtime.ts';
import { backTask, forwardTask, knownOf } from './workflow-tasks.ts';

const MAX_ROUNDS = 10;

/**
 * What a settled step's duplicate still owes its workflow. Mostly nothing: its progress was committed
 * with it. But a person may have given the result, or a crash may have come between the commit and the
 * publishing; then the workflow is told, or the next tasks are published again. The duplicate of a
 * step that the workflow is already beyond publishes nothing.
 */
export async function catchUp(
  runtime: Runtime,
  steps: Steps,
  task: TaskMessage,
  operation: OperationRecord,
): Promise<void> {
  const { workflows } = runtime.store;
  const { workflow: place } = task;
  if (!workflows || (!place && !steps.workflows.latest(task.action))) return;
  const { namespace, root } = operation;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const { found } = await workflows.get(namespace, root);
    const workflow = found && steps.workflows.pinned(found.record.name, found.record.version);
    if (!found || !workflow) return;
    const at: WorkflowAt = { workflows, workflow, namespace, root };

    const news = place && owedNews(found.record, place, operation);
    if (!place || !news) {
      const behind = isRightBehind(found.record, workflow.plan.stages, place);
      if (behind) await republish(runtime, at, found.record);
      return;
    }
    // Conditional, unlike a report under a claim: another may have told it, and it may be beyond that.
    const record = withNews(found.record, { name: place.member, progress: news });
    const told = await workflows.write({ kind: 'move', revision: found.revision, record });
    if (told === 'written') {
      await advanceWorkflow(runtime, at);
      return;
    }
  }
  throw new StoreAway(`Workflow ${root} kept moving while it was told of a step. Ask again.`);
}

/** The member's state by its operation, where the workflow doesn't know it yet. */
function owedNews(
  record: WorkflowRecord,
  place: WorkflowPlace,
  operation: OperationRecord,
): MemberProgress | undefined {
  const standing = record.members[place.member];
  if (standing?.token !== operation.token || !isOpen(standing)) return undefined;
  const settled = progressFrom(operation);
  if (!settled || settled.state === 'in_doubt') return undefined;
  if (place.direction === 'forward') return settled;
  const { token, error } = settled;
  const state = settled.state === 'completed' ? 'undone' : 'undo_failed';
  return { ...standing, state, token, ...(error && { error }) };
}

/** Whether the step's completion is what published the tasks that are open now. */
function isRightBehind(
  record: WorkflowRecord,
  stages: readonly (readonly { readonly name: string }[])[],
  place: WorkflowPlace | undefined,
): boolean {
  if (record.status === 'compensating') return true;
  if (record.status !== 'running') return false;
  const own = place
    ? stages.findIndex((stage) => stage.some(({ name }) => name === place.member))
    : -1;
  return own === record.stage - 1;
}

/** Publishes again those open tasks that nobody has claimed yet: they may never have been published. */
export async function republish(
  runtime: Runtime,
  { workflow, namespace }: WorkflowAt,
  record: WorkflowRecord,
): Promise<number> {
  const open = Object.entries(record.members).filter(
    ([, { state }]) => state === 'published' || state === 'undoing',
  );
  if (open.length === 0) return 0;
  const claimed = await runtime.store.getMany(
    namespace,
    open.map(([, { token }]) => token),
  );
  const missing = open.filter((_, index) => claimed[index] === undefined);
  if (missing.length === 0) return 0;
  const known = await knownOf(runtime, record);
  const tasks = missing.map(([name, member]) => {
    const { state, retries = 0, deadlineAt } = member;
    const definition = memberOf(workflow, name);
    if (state === 'undoing') return backTask(record, workflow, definition, known, retries);
    const task = forwardTask(record, workflow, definition, known);
    return deadlineAt === undefined ? task : { ...task, deadlineAt };
  });
  await runtime.publisher.publish(tasks);
  return tasks.length;
}
