import { parentPort, workerData } from 'node:worker_threads';
import type { SeedRange } from './seeds-worker.ts';
import { explainSagas } from './workflow-explain.ts';
import { simulateSagas } from './workflow-simulate.ts';
import { addKindRun } from './kind-tally.ts';
import { emptySagaTally } from './workflow-tally.ts';

// A fifth of a run's time; its trace tells more than any stack.
Error.stackTraceLimit = 0;

const { from, to } = workerData as SeedRange;
const tally = emptySagaTally();
let failure: string | undefined;
for (let seed = from; seed <= to && failure === undefined; seed += 1) {
  const run = await simulateSagas({ seed });
  if (run.violation) failure = await explainSagas({ seed });
  else addKindRun(tally, run);
}
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread's port has no origin
parentPort?.postMessage({ tally, failure });
