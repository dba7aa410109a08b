import type { ArchiveQueue, ShardOrder } from '../ports/archive-queue.ts';
import type { ColdStorage } from '../ports/cold-storage.ts';
import { archiveShard } from './archive-shard.ts';
import type { ArchiveOptions, Archiver, ArchiveReport } from './archive-shard.ts';

/** One order's run; what its time does not suffice for is handed on as the next order of the shard. */
export async function runOrder(
  runtime: Archiver,
  cold: ColdStorage,
  queue: ArchiveQueue,
  order: ShardOrder,
  pace: Pick<ArchiveOptions, 'budgetMs' | 'progress'>,
): Promise<ArchiveReport> {
  const report = await archiveShard(runtime, cold, { ...order, ...pace });
  // Without progress, another order would find the same: leave it to the next tick.
  if (report.next !== undefined && report.next !== order.after) {
    await queue.publish([{ ...order, after: report.next }]);
  }
  return report;
}
