import type { Conclusion } from '../operation/conclusion.ts';
import type { StoredValue } from '../operation/record.ts';
import type { TaskMessage, WorkflowPlace } from '../operation/task.ts';
import type { DeriveProgress, WorkflowStore } from '../ports/workflow-store.ts';
import type { Claim } from '../ports/token-store.ts';
import { advance, isOpen, withNews } from '../workflow/advance.ts';
import type { StoredWorkflow } from '../workflow/record.ts';
import { advanceWorkflow } from './advance-workflow.ts';
import { beginWorkflow } from './begin-workflow.ts';
import type { AnyWorkflow } from './define-workflow.ts';
import { newsFrom } from './member-news.ts';
import { planMove } from './plan-move.ts';
import type { Move } from './plan-move.ts';
import type { Steps } from './register-steps.ts';
import type { Runtime } from './runtime.ts';

/** What recording a step means for the workflow that it belongs to. */
export interface WorkflowProgress {
  /** The workflow's part of the commit that records the step. */
  derive(result: StoredValue | undefined): DeriveProgress;
  /** Publishes what follows, once the commit stands. */
  after(): Promise<void>;
}

type Recordable = Exclude<Conclusion, { kind: 'lost' }>;

/** The progress that a concluded task makes in its workflow; `undefined` for a task outside of one. */
export function progressOf(
  runtime: Runtime,
  steps: Steps,
  task: TaskMessage,
  claim: Pick<Claim, 'namespace' | 'token'>,
  conclusion: Recordable,
): WorkflowProgress | undefined {
  const { workflows } = runtime.store;
  const { workflow: place } = task;
  if (!workflows || conclusion.kind === 'again') return undefined;
  if (!place) {
    const started = steps.workflows.latest(task.action);
    return started && conclusion.kind === 'done'
      ? beginning(runtime, started, task, claim)
      : undefined;
  }
  const workflow = steps.workflows.pinned(place.name, place.version);
  return workflow && movement(runtime, { workflows, workflow, place, task, claim, conclusion });
}

function beginning(
  runtime: Runtime,
  workflow: AnyWorkflow,
  task: TaskMessage,
  { namespace }: Pick<Claim, 'namespace'>,
): WorkflowProgress {
  let move: Move | undefined;
  return {
    derive: () => async () => {
      move = await beginWorkflow(runtime, workflow, task, namespace);
      return { kind: 'begin', record: move.record };
    },
    async after() {
      if (move && move.tasks.length > 0) await runtime.publisher.publish(move.tasks);
    },
  };
}

interface Member {
  readonly workflows: WorkflowStore;
  readonly workflow: AnyWorkflow;
  readonly place: WorkflowPlace;
  readonly task: TaskMessage;
  readonly claim: Pick<Claim, 'namespace' | 'token'>;
  readonly conclusion: Recordable;
}

/**
 * A step alone in its stage moves the workflow in the commit that records it. A member of a group
 * writes its own field there, so that members never wait for each other, and looks afterwards whether
 * it was the last.
 */
function movement(runtime: Runtime, member: Member): WorkflowProgress {
  const { workflows, workflow, place, task, claim, conclusion } = member;
  const { namespace } = claim;
  const at = { workflows, workflow, namespace, root: task.root };
  const grouped = isGrouped(workflow, place);
  let move: Move | undefined;

  return {
    derive: (result) => async () => {
      move = undefined;
      const { found, at: storeNow } = await workflows.get(namespace, task.root);
      if (!found || !isAwaited(found, place, claim)) return undefined;
      const { record, revision } = found;
      const standing = record.members[place.member];
      const progress = newsFrom(place, claim.token, conclusion, result, standing);
      if (!progress) return undefined;
      const news = { name: place.member, progress };
      if (grouped)
        return { kind: 'report', namespace, root: task.root, member: place.member, progress };
      const course = advance(withNews(record, news), workflow.plan);
      move = await planMove(runtime, workflow, course, storeNow);
      return { kind: 'move', revision, record: move.record };
    },
    async after() {
      if (grouped) await advanceWorkflow(runtime, at);
      else if (move && move.tasks.length > 0) await runtime.publisher.publish(move.tasks);
    },
  };
}

function isGrouped(workflow: AnyWorkflow, place: WorkflowPlace): boolean {
  const stage = workflow.stages.find((members) =>
    members.some(({ name }) => name === place.member),
  );
  return (stage?.length ?? 0) > 1;
}

/** The workflow waits for this very operation: it is not one that a person retried or skipped since. */
function isAwaited(
  { record }: StoredWorkflow,
  place: WorkflowPlace,
  { token }: Pick<Claim, 'token'>,
): boolean {
  const standing = record.members[place.member];
  return standing?.token === token && isOpen(standing);
}
