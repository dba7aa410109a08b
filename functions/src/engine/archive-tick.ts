import type { ArchiveQueue } from '../ports/archive-queue.ts';
import type { Runtime } from './runtime.ts';

/** Has every shard archived, as far as it has expired by now: one order each. Twice is harmless. */
export async function archiveTick(
  { store, clock }: Pick<Runtime, 'store' | 'clock'>,
  queue: ArchiveQueue,
): Promise<number> {
  const until = Math.floor(clock.now());
  const orders = Array.from({ length: store.shards }, (_, shard) => ({ shard, until }));
  await queue.publish(orders);
  return orders.length;
}
