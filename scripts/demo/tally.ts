import { decodeCanonical } from '../../functions/src/index.ts';
import type { StoredOperation } from '../../functions/src/operation/record.ts';
import type { Played } from './play.ts';
import type { Act, Scene } from './scenes.ts';
import { actsOf, isOver } from './waiting.ts';

/** What one action came to, over all orders. */
export interface ActionTally {
  readonly action: string;
  readonly tasks: number;
  readonly deliveries: number;
  readonly attempts: number;
  readonly effects: number;
}

export interface Tally {
  readonly tasks: number;
  readonly deliveries: number;
  readonly attempts: number;
  readonly kills: number;
  readonly effects: number;
  /** Effects beyond the first of their kind for an order or a trip. */
  readonly duplicateEffects: number;
  /** Effects that one of them lacks, and recorded results that the provider knows nothing of. */
  readonly lostEffects: number;
  /** Tasks that did not end as they should. */
  readonly unsettled: number;
}

/** Attempts by the store's records, against effects by the provider's own ledger. */
export function tallyByAction(
  scenes: readonly Scene[],
  { operations, effects, decided, cutOff }: Played,
): ActionTally[] {
  const acts = scenes.flatMap((scene) => scene.acts);
  return [...Map.groupBy(acts, ({ action }) => action)].map(([action, all]) => ({
    action,
    tasks: all.length,
    deliveries: (decided.get(action) ?? 0) + (cutOff.get(action) ?? 0),
    attempts: operations
      .filter(({ record }) => record.action === action)
      .reduce((sum, { record }) => sum + record.attempt, 0),
    effects: effects.filter((effect) => all.some(({ kind }) => kind === effect.kind)).length,
  }));
}

export function tally(scenes: readonly Scene[], played: Played): Tally {
  const { operations, effects, kills } = played;
  const actions = tallyByAction(scenes, played);
  const acts = actsOf(scenes);
  const counts = scenes.flatMap(({ name, acts: expected }) =>
    expected
      .filter(({ kind }) => kind !== undefined)
      .map(
        ({ kind }) =>
          effects.filter((effect) => effect.orderId === name && effect.kind === kind).length,
      ),
  );
  const known = new Set(effects.map(({ id }) => id));
  const unfounded = operations.filter((operation) => !namesKnownEffect(operation, acts, known));
  const tasks = sum(actions, 'tasks');
  return {
    tasks,
    deliveries: sum(actions, 'deliveries'),
    attempts: sum(actions, 'attempts'),
    kills,
    effects: effects.length,
    duplicateEffects: counts.reduce((extra, count) => extra + Math.max(0, count - 1), 0),
    lostEffects: counts.filter((count) => count === 0).length + unfounded.length,
    unsettled: tasks - operations.filter((operation) => isOver(operation, acts)).length,
  };
}

function namesKnownEffect(
  { record }: StoredOperation,
  acts: ReadonlyMap<string, Act>,
  known: ReadonlySet<string>,
): boolean {
  const field = acts.get(record.token)?.resultField;
  if (record.status !== 'completed' || field === undefined) return true;
  if (record.result.kind !== 'inline') return false;
  const result = decodeCanonical(record.result.text) as Readonly<Record<string, string>>;
  return known.has(result[field] ?? '');
}

function sum(actions: readonly ActionTally[], of: Exclude<keyof ActionTally, 'action'>): number {
  return actions.reduce((total, action) => total + action[of], 0);
}
