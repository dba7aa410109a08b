import type { Conclusion } from '../operation/conclusion.ts';
import { recordedError } from '../operation/errors.ts';
import type { StoredValue } from '../operation/record.ts';
import type { TaskMessage, WorkflowPlace } from '../operation/task.ts';
import type { DeriveProgress, WorkflowStore } from '../ports/workflow-store.ts';
import type { Claim } from '../ports/token-store.ts';
import { advance, isOpen, withNews } from '../workflow/advance.ts';
import type { StoredWorkflow, WorkflowRecord } from '../workflow/record.ts';
import { advanceWorkflow, overdue, publishMove } from './advance-workflow.ts';
import { beginWorkflow } from './begin-workflow.ts';
import type { AnyWorkflow } from './define-workflow.ts';
import { newsFrom } from './member-news.ts';
import { planMove } from './plan-move.ts';
import type { Move } from './plan-move.ts';
import type { Steps } from './register-steps.ts';
import type { AnyStep } from './step.ts';
import type { Runtime } from './runtime.ts';
import { within } from './within.ts';

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
    if (!started || conclusion.kind !== 'done') return undefined;
    const keptMs = knownForMs(started, steps.get(task.action));
    return beginning(runtime, { workflows, workflow: started, task, claim, keptMs });
  }
  const workflow = steps.workflows.pinned(place.name, place.version);
  return workflow && movement(runtime, { workflows, workflow, place, task, claim, conclusion });
}

interface Starting {
  readonly workflows: WorkflowStore;
  readonly workflow: AnyWorkflow;
  readonly task: TaskMessage;
  readonly claim: Pick<Claim, 'namespace'>;
  readonly keptMs: number;
}

/** For archiving that lags behind: a stub is kept from when it was made. */
const LAG_MS = 7 * 86_400_000;

/** How long after its end some operation of a workflow may still be known: a new run would take it for its own. */
function knownForMs({ stages }: AnyWorkflow, start: AnyStep | undefined): number {
  const members = stages.flat().flatMap(({ step, compensate }) => [step, compensate?.step]);
  const lives = [start, ...members].flatMap((step) => (step ? [step.retention] : []));
  return LAG_MS + Math.max(...lives.map(({ capMs, forgetMs }) => capMs + forgetMs));
}

/**
 * A start makes the workflow where none stands under its root. One may: its starting operation was
 * forgotten before it was. As long as it is kept it is the one that the key asks for.
 */
function beginning(
  runtime: Runtime,
  { workflows, workflow, task, claim: { namespace }, keptMs }: Starting,
): WorkflowProgress {
  let move: Move | undefined;
  let joins = false;
  return {
    derive: () => async () => {
      const isFirst = move === undefined;
      // Not anew where the first commit's answer was lost: its deadlines may be the ones that stand.
      move ??= await beginWorkflow(runtime, workflow, task, { namespace, keptMs });
      const { record } = move;
      if (isFirst) return { kind: 'begin', record };
      const { found, at } = await workflows.get(namespace, task.token);
      if (!found) return { kind: 'begin', record };
      joins = (found.record.forgetAt ?? Infinity) > at;
      return joins ? undefined : { kind: 'begin', record, over: found.revision };
    },
    async after() {
      if (joins) {
        runtime.telemetry.event('WARNING', 'A start found its workflow on record, and left it so', {
          action: task.action,
        });
      } else if (move) await publishMove(runtime, move);
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

/** How long a concluded step waits for what follows from it to be planned, before it is recorded without. */
const PLAN_ANSWER_MS = 5_000;

/**
 * A step alone in its stage moves the workflow in the commit that records it. A member of a group
 * writes its own field there, so that members never wait for each other, and looks afterwards whether
 * it was the last. So does a single one whose successors can't be planned now: that an effect is done
 * must not go unrecorded because something else can't be read. And one whose workflow is past its
 * deadline by then: that turns back afterwards.
 */
function movement(runtime: Runtime, member: Member): WorkflowProgress {
  const { workflows, workflow, place, task, claim, conclusion } = member;
  const { namespace } = claim;
  const at = { workflows, workflow, namespace, root: task.root };
  const grouped = isGrouped(workflow, place);
  let onward: Move | 'to be planned' | undefined;
  /** Not made anew where a commit's answer was lost: it, and its deadlines, may be what stands. */
  let planned: { readonly revision: string; readonly move: Move | undefined } | undefined;

  return {
    derive: (result) => async () => {
      onward = undefined;
      const { found, at: storeNow } = await workflows.get(namespace, task.root);
      if (!found || !isAwaited(found, place, claim)) return undefined;
      const standing = found.record.members[place.member];
      const progress = newsFrom(workflow, place, claim.token, conclusion, result, standing);
      if (!progress) return undefined;
      if (grouped) {
        onward = 'to be planned';
        return { kind: 'report', namespace, root: task.root, member: place.member, progress };
      }
      const told = withNews(found.record, { name: place.member, progress });
      const { revision } = found;
      if (planned?.revision !== revision) {
        const late = overdue(told, storeNow) !== undefined;
        planned = { revision, move: late ? undefined : await plan(told, storeNow, result) };
      }
      const { move } = planned;
      onward = move ?? 'to be planned';
      const record = move?.record ?? { ...told, dueAt: Math.ceil(storeNow) };
      return { kind: 'move', revision, record };
    },
    async after() {
      if (onward === 'to be planned') await advanceWorkflow(runtime, at);
      else if (onward) await publishMove(runtime, onward);
    },
  };

  async function plan(
    told: WorkflowRecord,
    storeNow: number,
    result: StoredValue | undefined,
  ): Promise<Move | undefined> {
    const forward = place.direction === 'forward';
    const fresh = forward && result ? { name: place.member, result } : undefined;
    const planning = planMove(runtime, workflow, advance(told, workflow.plan), storeNow, fresh);
    try {
      return await within(runtime.clock, PLAN_ANSWER_MS, planning);
    } catch (error) {
      runtime.telemetry.event('WARNING', 'A step is recorded before what follows is planned', {
        action: task.action,
        error: recordedError(error),
      });
      return undefined;
    }
  }
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
