import { expect, test } from 'vitest';
import { explain } from './explain.ts';
import { simulate } from './simulate.ts';
import { addRun, emptyTally, printTally, seldomMet } from './tally.ts';

/** `SEED=7` runs that seed alone, `FAULTS=3` with its first three faults only. */
const { SEED, FAULTS } = process.env;
const SEEDS =
  SEED === undefined ? Array.from({ length: 2_000 }, (_, index) => index + 1) : [Number(SEED)];
const faultLimit = FAULTS === undefined ? {} : { faultLimit: Number(FAULTS) };
/** How often each kind of fault and of outcome must have been met. */
const OFTEN = SEED === undefined ? 100 : 0;
/** They take a quarter of a minute; a busy machine may take its time. */
const TIMEOUT_MS = 300_000;

test(
  `${SEEDS.length} runs keep every promise, and between them meet every fault and outcome`,
  async () => {
    const tally = emptyTally();
    for (const seed of SEEDS) {
      const run = await simulate({ seed, ...faultLimit });
      if (run.violation) throw new Error(await explain({ seed, ...faultLimit }));
      addRun(tally, run);
    }
    console.log(printTally(tally));
    expect(seldomMet(tally, OFTEN)).toEqual([]);
  },
  TIMEOUT_MS,
);

test('a seed is a whole run: the same events, faults and outcomes each time', async () => {
  const [once, again] = [await simulate({ seed: 7 }), await simulate({ seed: 7 })];
  expect(again).toEqual(once);
});
