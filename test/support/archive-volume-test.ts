import { expect, inject, test } from 'vitest';
import { PAGE_OPERATIONS } from '../../functions/src/engine/archive-pace.ts';
import { BATCH_OPERATIONS } from '../../functions/src/retention/archive-plan.ts';
import { archiveVolume } from './archive-volume.ts';

const FEW = 2_000;
/** The bare loop takes a batch after so many of the archiver's: the two take turns on a busy machine. */
const TURNS_EVERY = 4;
const MEMORY_BYTES = 64 * 1024 * 1024;
const SLOWER_BY = 1.6;

/**
 * Many operations take one read and one conditional write each, a page of the store for every hundred and
 * one object a thousand, no more memory than two thousand do, and little more time than the same pages and
 * writes alone.
 */
export function archiveVolumeTest(many: number, timeoutMs?: number): void {
  test(
    `${many} operations are archived in flat memory, by as many reads and writes`,
    async () => {
      const { small, large, batches, bareEach } = await measured(many);
      expect(large.report).toMatchObject({ moved: many, kept: {}, objects: batches });
      expect(large.read).toBe(many);
      const { Commit: writes, RunQuery: queries, ...others } = large.calls;
      expect(writes).toBe(many);
      // A page is a query to Firestore; here one query is read ahead for a batch's pages.
      expect(large.pages).toBeLessThanOrEqual(many / PAGE_OPERATIONS + 2);
      expect(queries).toBeLessThanOrEqual(batches + 2);
      expect(others).toEqual({});
      expect(large.peakBytes - small.peakBytes).toBeLessThan(MEMORY_BYTES);
      expect(large.milliseconds / many).toBeLessThanOrEqual(SLOWER_BY * bareEach);
    },
    timeoutMs,
  );
}

async function measured(many: number) {
  const open = () => archiveVolume(inject('firestoreHost'));
  const [few, bare, archived] = await Promise.all([open(), open(), open()]);
  try {
    await few.seed(FEW);
    const small = await few.archive();
    // As many stand there too, since the emulator's queries take longer the more there are.
    await bare.seed(many);
    await archived.seed(many);
    const batches = many / BATCH_OPERATIONS;
    let [turns, bareBatches, bareMs] = [0, 0, 0];
    const large = await archived.archive(async () => {
      turns += 1;
      if (turns % TURNS_EVERY !== 1) return;
      bareBatches += 1;
      bareMs += await bare.bareLoop(BATCH_OPERATIONS);
    });
    return { small, large, batches, bareEach: bareMs / (bareBatches * BATCH_OPERATIONS) };
  } finally {
    await Promise.all([few, bare, archived].map((each) => each.close()));
  }
}
