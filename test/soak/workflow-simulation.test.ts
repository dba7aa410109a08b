import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import type { SeedRange } from '../simulation/seeds-worker.ts';
import { addKindTally, printKindTally, seldomMetKinds } from '../simulation/kind-tally.ts';
import { emptySagaTally } from '../simulation/workflow-tally.ts';
import type { KindTally } from '../simulation/kind-tally.ts';

/** Beyond those of `npm test`. */
const FIRST = 10_001;
const SEEDS = 6_000;
const CHUNK = 500;
const SCRIPT = new URL('../simulation/workflow-seeds-worker.ts', import.meta.url);

test(`${SEEDS} runs of sagas end complete, compensated or parked, each effect once`, async () => {
  const chunks: SeedRange[] = [];
  for (let from = FIRST; from < FIRST + SEEDS; from += CHUNK) {
    chunks.push({ from, to: from + CHUNK - 1 });
  }
  const tally = emptySagaTally();
  const failures: string[] = [];

  async function work(): Promise<void> {
    for (let range = chunks.shift(); range && failures.length === 0; range = chunks.shift()) {
      const done = await runChunk(range);
      addKindTally(tally, done.tally);
      if (done.failure !== undefined) failures.push(done.failure);
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work));

  if (failures.length > 0) throw new Error(failures.join('\n\n'));
  console.log(printKindTally(tally));
  expect(tally.seeds).toBe(SEEDS);
  expect(seldomMetKinds(tally, 100)).toEqual([]);
});

async function runChunk(range: SeedRange): Promise<{ tally: KindTally; failure?: string }> {
  const worker = new Worker(SCRIPT, {
    workerData: range,
    resourceLimits: { maxYoungGenerationSizeMb: 64 },
  });
  try {
    const [done] = (await once(worker, 'message')) as [{ tally: KindTally; failure?: string }];
    return done;
  } finally {
    await worker.terminate();
  }
}
