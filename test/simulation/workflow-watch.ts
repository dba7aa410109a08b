import type { StepContext } from '../../functions/src/engine/step.ts';
import type { OperationRecord, StoredOperation } from '../../functions/src/operation/record.ts';
import type { TaskMessage } from '../../functions/src/operation/task.ts';
import type { Token } from '../../functions/src/token/token.ts';
import { isOpen } from '../../functions/src/workflow/advance.ts';
import type { WorkflowRecord } from '../../functions/src/workflow/record.ts';
import type { Instance } from './instance.ts';
import { MAX_ATTEMPTS } from './steps.ts';
import type { Params } from './steps.ts';
import type { Watch } from './watch.ts';
import { brokenMove } from './workflow-rules.ts';
import { sagaOf } from './workflow-spec.ts';
import type { SagaWorld } from './workflow-world.ts';

/** Looks at what happens to workflows as well. */
export interface SagaWatch extends Watch {
  moved(instance: Instance, before: WorkflowRecord | undefined, after: WorkflowRecord): void;
}

export function createSagaWatch(world: SagaWorld, plain: Watch): SagaWatch {
  /** The deadline of every task that a committed move has led to, by token. */
  const noted = new Map<Token, number | undefined>();
  const requests = new Map<Token, string>();
  const turns = turnedBack(world, plain);

  return {
    ...plain,

    moved(instance, before, after) {
      const label = after.name.replace('saga.', '');
      const spec = world.specOf(label);
      if (!spec) return plain.broken(`There is no saga ${label}.`);
      for (const { token, deadlineAt, state } of Object.values(after.members)) {
        if (state === 'published' || state === 'undoing') noted.set(token, deadlineAt);
      }
      turns.moved(after);
      if (world.trace.kept) world.trace.note(instance.name, describe(before, after), label);
      const steered = instance.name.startsWith('person');
      const rule = brokenMove({ world, spec, before, after, steered });
      if (rule !== undefined) plain.broken(rule, label);
    },

    wrote(instance, writer, before, after) {
      plain.wrote(instance, writer, before, after);
      turns.wrote(before, after);
      const settled = before?.record.status === 'claimed' && isSettled(after.record);
      if (settled && typeof writer === 'object' && isStillOpen(after.record)) {
        plain.broken('It was recorded apart from its saga.', labelOf(after.record));
      }
    },

    began(instance, context) {
      plain.began(instance, context);
      if (instance.dead) return;
      const { label } = context.params;
      const { maxAttempts = MAX_ATTEMPTS } = world.memberOf(label) ?? {};
      if (context.attempt > maxAttempts) {
        plain.broken(
          `It was begun a ${context.attempt}th time; ${maxAttempts} are allowed.`,
          label,
        );
      }
      turns.began(context);
    },

    publishing(instance, tasks) {
      if (instance.dead) return;
      for (const task of tasks) checkPublished(task);
    },

    sending(instance, context, trackingId) {
      plain.sending(instance, context, trackingId);
      if (instance.dead) return;
      const { label } = context.params;
      const back = label.endsWith('.undo');
      if (!back && hasBegunBack(world.standing(label)?.record)) {
        plain.broken('An effect forward is sent after compensation began.', label);
      }
    },
  };

  function checkPublished(task: TaskMessage): void {
    const { token, requestHash, workflow, deadlineAt, madeAt, root } = task;
    if (!workflow) return;
    const label = world.labelOf(task);
    if (!noted.has(token)) plain.broken('A task was published before it was committed to.', label);
    else if (noted.get(token) !== deadlineAt) plain.broken('Its deadline was forgotten.', label);
    const known = requests.get(token) ?? requestHash;
    requests.set(token, known);
    if (known !== requestHash) plain.broken('One token was published for two requests.', label);
    const first = world.roots.get(workflow.name.replace('saga.', ''));
    if (first?.token !== root) plain.broken('It forgot which task it all began with.', label);
    const datedNow = Math.abs(madeAt - world.now()) < TWO_HOURS_MS;
    if (!world.operation(token) && !datedNow) {
      plain.broken('What nobody has claimed is dated as of long ago.', label);
    }
  }

  function isStillOpen({ root, token }: OperationRecord): boolean {
    for (const { record } of world.workflows.all()) {
      if (record.root !== root) continue;
      return Object.values(record.members).some((each) => each.token === token && isOpen(each));
    }
    return false;
  }

  function labelOf(record: OperationRecord): string | undefined {
    const task = plain.taskOf(record);
    return task && world.labelOf(task);
  }
}

/** A process dates what it makes by its guess of the store's time: an hour off, at times. */
const TWO_HOURS_MS = 7_200_000;

function isSettled({ status }: OperationRecord): boolean {
  return status === 'completed' || status === 'failed';
}

/** Watches that nothing forward which was freed, or is to be tried again, begins once its saga turned back. */
function turnedBack(world: SagaWorld, { broken }: Watch) {
  const turnedAt = new Map<string, number>();
  const takenOverAt = new Map<Token, number>();
  return {
    moved({ name, status }: WorkflowRecord): void {
      const label = name.replace('saga.', '');
      if (status === 'compensating' && !turnedAt.has(label)) turnedAt.set(label, world.now());
    },
    wrote(before: StoredOperation | undefined, { record }: StoredOperation): void {
      if (record.status !== 'claimed' || before?.record.claimId === record.claimId) return;
      if (before && record.started !== true) takenOverAt.set(record.token, world.now());
      else takenOverAt.delete(record.token);
    },
    began({ token, params: { label } }: StepContext<Params>): void {
      const back = label.endsWith('.undo');
      const late =
        (takenOverAt.get(token) ?? -Infinity) > (turnedAt.get(sagaOf(label)) ?? Infinity);
      if (!back && late) broken('It was begun again after its saga had turned back.', label);
    },
  };
}

const BACK: ReadonlySet<string> = new Set([
  'undoing',
  'undone',
  'undo_failed',
  'undo_in_doubt',
  'skipped',
]);

function hasBegunBack(record: WorkflowRecord | undefined): boolean {
  return Object.values(record?.members ?? {}).some(({ state }) => BACK.has(state));
}

function describe(before: WorkflowRecord | undefined, after: WorkflowRecord): string {
  const fate =
    before && before.status !== after.status ? `${before.status} → ${after.status}` : after.status;
  const changes = Object.entries(after.members).flatMap(([name, { state }]) => {
    const old = before?.members[name]?.state;
    if (old === state) return [];
    return [old === undefined ? `${name} ${state}` : `${name} ${old} → ${state}`];
  });
  return [`workflow ${fate}, stage ${after.stage}`, ...changes].join('; ');
}
