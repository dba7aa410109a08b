import { parentPort, workerData } from 'node:worker_threads';
import { explain } from './explain.ts';
import { simulate } from './simulate.ts';
import { addRun, emptyTally } from './tally.ts';

/** Seeds `from` to `to`, both included. */
export interface SeedRange {
  readonly from: number;
  readonly to: number;
}

// A fifth of a run's time; its trace tells more than any stack.
Error.stackTraceLimit = 0;

const { from, to } = workerData as SeedRange;
const tally = emptyTally();
let failure: string | undefined;
for (let seed = from; seed <= to && failure === undefined; seed += 1) {
  const run = await simulate({ seed });
  if (run.violation) failure = await explain({ seed });
  else addRun(tally, run);
}
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread's port has no origin
parentPort?.postMessage({ tally, failure });
