import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { StoredOperation } from '../../functions/src/operation/record.ts';
import type { Act, Scene } from './scenes.ts';
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
    () => `Not all came through within ${patienceMs / 1_000} s.`,
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
  scenes: readonly Scene[],
  signal: AbortSignal,
): Promise<void> {
  await completed(stage, scenes, signal);
  while (!signal.aborted && !(await stage.drained())) await delay(LOOK_EVERY_MS);
}

/** Resolves when every operation of the scenes is over, or one of them is stuck. */
export async function completed(
  stage: Stage,
  scenes: readonly Scene[],
  signal: AbortSignal,
): Promise<void> {
  const acts = actsOf(scenes);
  while (!signal.aborted) {
    const operations = await operationsOf(stage, scenes);
    if (operations.filter((operation) => isOver(operation, acts)).length === acts.size) return;
    if (operations.some((operation) => isStuck(operation, acts))) return;
    await delay(LOOK_EVERY_MS);
  }
}

/** What is expected, by token. */
export function actsOf(scenes: readonly Scene[]): ReadonlyMap<string, Act> {
  return new Map(scenes.flatMap(({ acts }) => acts.map((act) => [act.token, act])));
}

/** It has ended otherwise than it should, or nothing but a person can move it. */
function isStuck({ record }: StoredOperation, acts: ReadonlyMap<string, Act>): boolean {
  const { status } = record;
  if (status === 'in_doubt' || status === 'cancelled') return true;
  return status === 'failed' && acts.get(record.token)?.ends !== 'failed';
}

export function isOver({ record }: StoredOperation, acts: ReadonlyMap<string, Act>): boolean {
  if (record.status !== acts.get(record.token)?.ends) return false;
  return record.status !== 'completed' || record.sent;
}

export async function operationsOf(
  { store, namespace }: Stage,
  scenes: readonly Scene[],
): Promise<StoredOperation[]> {
  const ledgers = await Promise.all(
    scenes.map(({ task }) => store.ledger(namespace, task.root, { limit: 100 })),
  );
  return ledgers.flatMap(({ operations }) => operations);
}
