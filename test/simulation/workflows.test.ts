import { expect, test } from 'vitest';
import { explainSagas } from './workflow-explain.ts';
import { simulateSagas } from './workflow-simulate.ts';
import { addKindRun, printKindTally, seldomMetKinds } from './kind-tally.ts';
import { emptySagaTally } from './workflow-tally.ts';

/** `SEED=7` runs that seed alone, `FAULTS=3` with its first three faults only. */
const { SEED, FAULTS } = process.env;
const SEEDS =
  SEED === undefined ? Array.from({ length: 600 }, (_, index) => index + 1) : [Number(SEED)];
const faultLimit = FAULTS === undefined ? {} : { faultLimit: Number(FAULTS) };
/** How often each kind of fault, and of what sagas meet, must have been met. */
const OFTEN = SEED === undefined ? 10 : 0;
/** They take a quarter of a minute; a busy machine may take its time. */
const TIMEOUT_MS = 300_000;

test(
  `${SEEDS.length} runs of sagas end complete, compensated or parked, each effect once`,
  async () => {
    const tally = emptySagaTally();
    for (const seed of SEEDS) {
      const run = await simulateSagas({ seed, ...faultLimit });
      if (run.violation) throw new Error(await explainSagas({ seed, ...faultLimit }));
      addKindRun(tally, run);
    }
    console.log(printKindTally(tally));
    expect(seldomMetKinds(tally, OFTEN)).toEqual([]);
  },
  TIMEOUT_MS,
);

test('a seed is a whole run of sagas: the same events, faults and ends each time', async () => {
  const [once, again] = [await simulateSagas({ seed: 7 }), await simulateSagas({ seed: 7 })];
  expect(again).toEqual(once);
});
