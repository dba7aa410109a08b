import { describe, expect, test } from 'vitest';
import { LOG_MUTANTS } from './state-log-mutants.ts';
import { STATE_MUTANTS } from './state-mutants.ts';
import { simulateState } from './state-simulate.ts';
import { TIME_MUTANTS } from './state-time-mutants.ts';
import type { StateMutant } from './state-world.ts';

/** Half of what `npm test` runs: a broken rule must not hide behind rare luck. */
const SEEDS = 300;

async function firstCaught(mutant: StateMutant): Promise<number | undefined> {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { violation } = await simulateState({ seed, mutant });
    if (violation) return seed;
  }
  return undefined;
}

describe('the simulation of updates and appends notices when', () => {
  test.each([...STATE_MUTANTS, ...LOG_MUTANTS, ...TIME_MUTANTS])(
    '$breaks ($name)',
    async (mutant) => {
      expect(await firstCaught(mutant)).toBeDefined();
    },
  );
});
