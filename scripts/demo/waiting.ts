import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { OperationRecord, StoredOperation } from '../../functions/src/operation/record.ts';
import type { PlacedOrder } from './orders.ts';
import type { Stage, StageWorker } from './stage.ts';

const LOOK_EVERY_MS = 25;

/**
 * Leaves no work behind: it is told to end, and waited for.
 *
 * @throws when the worker ends before the work, or the work takes too long
 */
export async function whileUp(
  worker: StageWorker,
  patienceMs: number,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const over = new AbortController();
  const working = work(over.signal);
  const gone = worker.exited.then(() => `Worker process ${worker.pid} ended on its own.`);
  const late = delay(patienceMs, undefined, { signal: over.signal }).then(
    () => `The orders did not come through within ${patienceMs / 1_000} s.`,
    () => undefined,
  );
  const fault = await Promise.race([working.then(() => undefined), gone, late]).finally(() => {
    over.abort();
  });
  await working;
  if (fault !== undefined) throw new Error(fault);
}

/** Resolves when the signal aborts. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

/** Every step completed, what follows from it published, and every duplicate answered. */
export async function settled(
  stage: Stage,
  orders: readonly PlacedOrder[],
  signal: AbortSignal,
): Promise<void> {
  await completed(stage, orders, signal);
  while (!signal.aborted && !(await stage.drained())) await delay(LOOK_EVERY_MS);
}

/** Resolves when every step of the orders is over, or one of them is stuck. */
export async function completed(
  stage: Stage,
  orders: readonly PlacedOrder[],
  signal: AbortSignal,
): Promise<void> {
  const tasks = orders.flatMap(({ tokens }) => tokens).length;
  while (!signal.aborted) {
    const operations = await operationsOf(stage, orders);
    if (operations.filter(isOver).length === tasks) return;
    if (operations.some(({ record }) => isStuck(record))) return;
    await delay(LOOK_EVERY_MS);
  }
}

/** Nothing but a person can move it. */
function isStuck({ status }: OperationRecord): boolean {
  return status === 'failed' || status === 'in_doubt' || status === 'cancelled';
}

export function isOver({ record }: StoredOperation): boolean {
  return record.status === 'completed' && record.sent;
}

export async function operationsOf(
  { store, namespace }: Stage,
  orders: readonly PlacedOrder[],
): Promise<StoredOperation[]> {
  const ledgers = await Promise.all(
    orders.map(({ task }) => store.ledger(namespace, task.root, { limit: 100 })),
  );
  return ledgers.flatMap(({ operations }) => operations);
}
