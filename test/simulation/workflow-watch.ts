import type { TaskMessage } from '../../functions/src/operation/task.ts';
import type { Token } from '../../functions/src/token/token.ts';
import type { WorkflowRecord } from '../../functions/src/workflow/record.ts';
import type { Instance } from './instance.ts';
import type { Watch } from './watch.ts';
import { brokenMove } from './workflow-rules.ts';
import type { SagaWorld } from './workflow-world.ts';

/** Looks at what happens to workflows as well. */
export interface SagaWatch extends Watch {
  moved(instance: Instance, before: WorkflowRecord | undefined, after: WorkflowRecord): void;
}

export function createSagaWatch(world: SagaWorld, plain: Watch): SagaWatch {
  /** The deadline of every task that a committed move has led to, by token. */
  const noted = new Map<Token, number | undefined>();
  const requests = new Map<Token, string>();

  return {
    ...plain,

    moved(instance, before, after) {
      const label = after.name.replace('saga.', '');
      const spec = world.specOf(label);
      if (!spec) return plain.broken(`There is no saga ${label}.`);
      for (const { token, deadlineAt, state } of Object.values(after.members)) {
        if (state === 'published' || state === 'undoing') noted.set(token, deadlineAt);
      }
      if (world.trace.kept) world.trace.note(instance.name, describe(before, after), label);
      const steered = instance.name.startsWith('person');
      const rule = brokenMove({ world, spec, before, after, steered });
      if (rule !== undefined) plain.broken(rule, label);
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
    if (first?.madeAt !== madeAt || first.token !== root) {
      plain.broken('It forgot which task it all began with.', label);
    }
  }
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
