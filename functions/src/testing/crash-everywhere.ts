import type { z } from 'zod';
import type { Step } from '../engine/step.ts';
import { passage } from './crash-points.ts';
import type { CrashPoint } from './crash-points.ts';
import { cleanRun, crashRun, frozenRun } from './crash-run.ts';
import type { CrashOptions, CrashRun } from './crash-run.ts';

export interface CrashReport {
  /** Every place where a process was stopped, in the order of the step's way. */
  readonly points: readonly CrashPoint[];
  /** One run for each point. */
  readonly runs: readonly CrashRun[];
  /** What a run without a crash has. */
  readonly effectsOfOne: number;
  /** Effects beyond that, over all runs. Above 0, the step is not what its `effect` says. */
  readonly duplicateEffects: number;
  /** Effects missing where the step is recorded as completed, over all runs. */
  readonly lostEffects: number;
}

/**
 * Runs a step under the real engine, on a store in memory: once as it is, to learn where it can crash,
 * then once for each of those points with a crash there. A dead process does nothing more; time passes
 * beyond its lease, and its task is delivered again until it is settled.
 *
 * In one more run the process doesn't die in the step but stands still until another has settled its
 * task, then goes on: what it still sends is counted too.
 *
 * @throws {Error} where the step doesn't complete without a crash, or not the same way on each run
 */
export async function crashEverywhere<Schema extends z.ZodType, Result>(
  step: Step<Schema, Result>,
  options: CrashOptions<z.input<Schema>>,
): Promise<CrashReport> {
  const passing = passage();
  const { effects: effectsOfOne } = await cleanRun(step, options, passing);

  const runs: CrashRun[] = [];
  for (const point of passing.points) {
    runs.push(await crashRun(step, options, runs.length + 1, passage(point), point));
  }
  runs.push(await frozenRun(step, options, runs.length + 1));

  let duplicateEffects = 0;
  let lostEffects = 0;
  for (const { outcome, effects } of runs) {
    duplicateEffects += Math.max(0, effects - effectsOfOne);
    if (outcome === 'completed') lostEffects += Math.max(0, effectsOfOne - effects);
  }
  const points = runs.map(({ point }) => point);
  return { points, runs, effectsOfOne, duplicateEffects, lostEffects };
}
