import { describe, expect, test } from 'vitest';
import { explainSagas } from './workflow-explain.ts';
import type { WorkflowMutant } from './workflow-mutant.ts';
import { WORKFLOW_MUTANTS } from './workflow-mutants.ts';
import { simulateSagas } from './workflow-simulate.ts';

/** As many as `npm test` runs. Most are noticed within ten, the rarest in one of a hundred. */
const SEEDS = 600;

async function firstCaught(mutant: WorkflowMutant): Promise<number | undefined> {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { violation } = await simulateSagas({ seed, mutant });
    if (violation) return seed;
  }
  return undefined;
}

describe('the simulation of sagas notices when', () => {
  test.each(WORKFLOW_MUTANTS)('$breaks ($name)', async (mutant) => {
    expect(await firstCaught(mutant)).toBeDefined();
  });
});

test('a caught run of sagas is told with its least faults, what happened, and how to replay it', async () => {
  const mutant = WORKFLOW_MUTANTS.find(({ name }) => name === 'move-unconditional');
  if (!mutant) throw new Error('There is no such mutant.');
  const seed = await firstCaught(mutant);
  const told = await explainSagas({ seed: seed ?? 0, mutant });
  expect(told).toMatch(/^Seed \d+, with its first \d+ faults: s\d: /);
  expect(told).toMatch(/worker-\d\.\d +s\d +workflow \w+, stage \d/);
  expect(told).toMatch(/SEED=\d+ FAULTS=\d+ npx vitest run --project simulation workflows.test$/);
});
