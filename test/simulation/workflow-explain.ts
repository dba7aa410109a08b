import { explain } from './explain.ts';
import { simulateSagas } from './workflow-simulate.ts';
import type { RunOptions } from './world.ts';

/** As {@link explain}, for a run of sagas. */
export function explainSagas(options: RunOptions): Promise<string> {
  return explain(options, { test: 'workflows.test', simulate: simulateSagas });
}
