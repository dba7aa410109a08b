import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { addTally, emptyTally, printTally, seldomMet } from '../simulation/tally.ts';
import type { Tally } from '../simulation/tally.ts';
import type { SeedRange } from '../simulation/seeds-worker.ts';

/** Beyond those of `npm test`. */
const FIRST = 10_001;
const SEEDS = 100_000;
const CHUNK = 2_500;
const SCRIPT = new URL('../simulation/seeds-worker.ts', import.meta.url);

test(`${SEEDS} runs keep every promise, and between them meet every fault and outcome`, async () => {
  const chunks: SeedRange[] = [];
  for (let from = FIRST; from < FIRST + SEEDS; from += CHUNK) {
    chunks.push({ from, to: from + CHUNK - 1 });
  }
  const tally = emptyTally();
  const failures: string[] = [];

  async function work(): Promise<void> {
    for (let range = chunks.shift(); range && failures.length === 0; range = chunks.shift()) {
      const done = await runChunk(range);
      addTally(tally, done.tally);
      if (done.failure !== undefined) failures.push(done.failure);
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work));

  if (failures.length > 0) throw new Error(failures.join('\n\n'));
  console.log(printTally(tally));
  expect(tally.seeds).toBe(SEEDS);
  expect(seldomMet(tally, 5_000)).toEqual([]);
});

async function runChunk(range: SeedRange): Promise<{ tally: Tally; failure?: string }> {
  const worker = new Worker(SCRIPT, {
    workerData: range,
    resourceLimits: { maxYoungGenerationSizeMb: 64 },
  });
  try {
    const [done] = (await once(worker, 'message')) as [{ tally: Tally; failure?: string }];
    return done;
  } finally {
    await worker.terminate();
  }
}
