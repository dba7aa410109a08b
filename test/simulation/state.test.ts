import { expect, test } from 'vitest';
import { explain } from './explain.ts';
import { simulateState } from './state-simulate.ts';
import { addKindRun, printKindTally, seldomMetKinds } from './kind-tally.ts';
import { emptyStateTally } from './state-tally.ts';

/** `SEED=7` runs that seed alone, `FAULTS=3` with its first three faults only. */
const { SEED, FAULTS } = process.env;
const SEEDS =
  SEED === undefined ? Array.from({ length: 600 }, (_, index) => index + 1) : [Number(SEED)];
const faultLimit = FAULTS === undefined ? {} : { faultLimit: Number(FAULTS) };
/** How often each kind of fault, and of what befalls entities and logs, must have been met. */
const OFTEN = SEED === undefined ? 50 : 0;
/** They take five seconds; a busy machine may take its time. */
const TIMEOUT_MS = 300_000;
const SIMULATION = { test: 'state.test', simulate: simulateState };

test(
  `${SEEDS.length} runs of updates and appends lose none, and make none twice`,
  async () => {
    const tally = emptyStateTally();
    for (const seed of SEEDS) {
      const run = await simulateState({ seed, ...faultLimit });
      if (run.violation) throw new Error(await explain({ seed, ...faultLimit }, SIMULATION));
      addKindRun(tally, run);
    }
    console.log(printKindTally(tally));
    expect(seldomMetKinds(tally, OFTEN)).toEqual([]);
  },
  TIMEOUT_MS,
);

test('a seed is a whole run of updates and appends: the same events and faults each time', async () => {
  const [once, again] = [await simulateState({ seed: 7 }), await simulateState({ seed: 7 })];
  expect(again).toEqual(once);
});
