import { expect, test } from 'vitest';
import { explain } from './explain.ts';
import { simulate } from './simulate.ts';
import { addRun, emptyTally, printTally, seldomMet } from './tally.ts';

const { SEED, FAULTS } = process.env;
const SEEDS = 2_000;
/** They take a quarter of a minute; a busy machine may take its time. */
const TIMEOUT_MS = 300_000;

test.runIf(SEED === undefined)(
  `${SEEDS} runs keep every promise, and between them meet every fault and outcome`,
  async () => {
    const tally = emptyTally();
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const run = await simulate({ seed });
      if (run.violation) throw new Error(await explain({ seed }));
      addRun(tally, run);
    }
    console.log(printTally(tally));
    expect(seldomMet(tally, 100)).toEqual([]);
  },
  TIMEOUT_MS,
);

test.runIf(SEED !== undefined)(`the run of seed ${SEED} keeps every promise`, async () => {
  const faultLimit = FAULTS === undefined ? {} : { faultLimit: Number(FAULTS) };
  const options = { seed: Number(SEED), ...faultLimit };
  const { violation } = await simulate(options);
  expect(violation && (await explain(options))).toBeUndefined();
});

test('a seed is a whole run: the same events, faults and outcomes each time', async () => {
  const [once, again] = [await simulate({ seed: 7 }), await simulate({ seed: 7 })];
  expect(again).toEqual(once);
});
