import { simulate } from './simulate.ts';
import { printTrace } from './trace.ts';
import type { Run } from './simulate.ts';
import type { RunOptions } from './world.ts';

/** What is run from a seed, and the test file that replays one. */
export interface Simulation {
  readonly test: string;
  simulate(options: RunOptions): Promise<Pick<Run, 'violation' | 'trace' | 'injected'>>;
}

const SINGLE_TASKS: Simulation = { test: 'simulation.test', simulate };

/**
 * A failing run for people: with as few of its faults as still break a promise, as a readable trace,
 * and with the line that replays it alone.
 */
export async function explain(
  { seed, faultLimit, mutant }: RunOptions,
  simulation = SINGLE_TASKS,
): Promise<string> {
  const broken = mutant ? { seed, mutant } : { seed };
  const limit = faultLimit ?? (await leastFaults(simulation, broken));
  const run = await simulation.simulate({ ...broken, faultLimit: limit, traced: true });
  const { what, about } = run.violation ?? { what: 'It breaks nothing.', about: undefined };
  return [
    `Seed ${seed}, with its first ${limit} faults: ${about ?? 'the whole'}: ${what}`,
    '',
    printTrace(run.trace, about),
    '',
    'Replay it alone:',
    `SEED=${seed} FAULTS=${limit} npx vitest run --project simulation ${simulation.test}`,
  ].join('\n');
}

/** Up to a fault a run is the same whatever comes after it, so the first limit that breaks is the least. */
async function leastFaults({ simulate }: Simulation, options: RunOptions): Promise<number> {
  const { injected } = await simulate(options);
  for (let limit = 0; limit < injected; limit += 1) {
    const { violation } = await simulate({ ...options, faultLimit: limit });
    if (violation) return limit;
  }
  // One more than it has: a limit that is reached ends the time of faults.
  return injected + 1;
}
