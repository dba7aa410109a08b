import { decodeCanonical } from '../../functions/src/index.ts';
import type { StoredOperation } from '../../functions/src/operation/record.ts';
import { STEPS } from './orders.ts';
import type { PlacedOrder } from './orders.ts';
import type { Played } from './play.ts';
import { isOver } from './waiting.ts';

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
  /** Effects beyond the first of their kind for an order. */
  readonly duplicateEffects: number;
  /** Effects that an order lacks, and recorded results that the provider knows nothing of. */
  readonly lostEffects: number;
  /** Tasks that did not end as completed. */
  readonly unsettled: number;
}

/** Attempts by the store's records, against effects by the provider's own ledger. */
export function tallyByAction(
  orders: readonly PlacedOrder[],
  { operations, effects, decided, cutOff }: Played,
): ActionTally[] {
  return STEPS.map(({ action, kind }) => ({
    action,
    tasks: orders.length,
    deliveries: (decided.get(action) ?? 0) + (action === 'payments.charge' ? cutOff : 0),
    attempts: operations
      .filter(({ record }) => record.action === action)
      .reduce((sum, { record }) => sum + record.attempt, 0),
    effects: effects.filter((effect) => effect.kind === kind).length,
  }));
}

export function tally(orders: readonly PlacedOrder[], played: Played): Tally {
  const { operations, effects, kills } = played;
  const actions = tallyByAction(orders, played);
  const counts = orders.flatMap(({ orderId }) =>
    STEPS.map(
      ({ kind }) =>
        effects.filter((effect) => effect.orderId === orderId && effect.kind === kind).length,
    ),
  );
  const known = new Set(effects.map(({ id }) => id));
  const unfounded = operations.filter((operation) => !namesKnownEffect(operation, known));
  const tasks = sum(actions, 'tasks');
  return {
    tasks,
    deliveries: sum(actions, 'deliveries'),
    attempts: sum(actions, 'attempts'),
    kills,
    effects: effects.length,
    duplicateEffects: counts.reduce((extra, count) => extra + Math.max(0, count - 1), 0),
    lostEffects: counts.filter((count) => count === 0).length + unfounded.length,
    unsettled: tasks - operations.filter(isOver).length,
  };
}

function namesKnownEffect({ record }: StoredOperation, known: ReadonlySet<string>): boolean {
  if (record.status !== 'completed') return true;
  const step = STEPS.find(({ action }) => action === record.action);
  if (!step || record.result.kind !== 'inline') return false;
  const result = decodeCanonical(record.result.text) as Readonly<Record<string, string>>;
  return known.has(result[step.resultField] ?? '');
}

function sum(actions: readonly ActionTally[], of: Exclude<keyof ActionTally, 'action'>): number {
  return actions.reduce((total, action) => total + action[of], 0);
}
