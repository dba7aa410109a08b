import { describe, expect, test } from 'vitest';
import { explain } from './explain.ts';
import { MUTANTS } from './mutants.ts';
import { simulate } from './simulate.ts';
import type { Mutant } from './mutant.ts';

/** As many as `npm test` runs. Most are noticed within ten, the rarest in one of a hundred. */
const SEEDS = 2_000;

async function firstCaught(mutant: Mutant): Promise<number | undefined> {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { violation } = await simulate({ seed, mutant });
    if (violation) return seed;
  }
  return undefined;
}

describe('the simulation notices when', () => {
  test.each(MUTANTS)('$breaks ($name)', async (mutant) => {
    expect(await firstCaught(mutant)).toBeDefined();
  });
});

test('a caught run is told with its least faults, what happened, and how to replay it', async () => {
  const mutant = MUTANTS.find(({ name }) => name === 'lost-commit-is-failure');
  if (!mutant) throw new Error('There is no such mutant.');
  const seed = await firstCaught(mutant);
  const told = await explain({ seed: seed ?? 0, mutant });
  expect(told).toMatch(/^Seed \d+, with its first \d+ faults: t\S+: It has \d effects/);
  expect(told).toMatch(/worker-\d\.\d +t\S+ +sends, attempt \d/);
  expect(told).toMatch(/SEED=\d+ FAULTS=\d+ npx vitest run --project simulation simulation.test$/);
});
