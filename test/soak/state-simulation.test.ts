import { expect, test } from 'vitest';
import { explain } from '../simulation/explain.ts';
import { simulateState } from '../simulation/state-simulate.ts';
import { addKindRun, printKindTally, seldomMetKinds } from '../simulation/kind-tally.ts';
import { emptyStateTally } from '../simulation/state-tally.ts';

/** Beyond those of `npm test`. */
const FIRST = 10_001;
const SEEDS = 3_000;

test(`${SEEDS} runs of updates and appends lose none, and make none twice`, async () => {
  const tally = emptyStateTally();
  for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) {
    const run = await simulateState({ seed });
    if (run.violation) {
      throw new Error(await explain({ seed }, { test: 'state.test', simulate: simulateState }));
    }
    addKindRun(tally, run);
  }
  console.log(printKindTally(tally));
  expect(seldomMetKinds(tally, 150)).toEqual([]);
});
