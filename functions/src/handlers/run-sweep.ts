import { sweepAll } from '../engine/sweep-all.ts';
import type { Receiver } from './handle-message.ts';
import { postedBy } from './push-reply.ts';
import type { Guarded, Handler } from './push-reply.ts';

export type SweepHandlerOptions = Receiver & Guarded;

/**
 * The function `sweep`, called by a scheduler: one bounded round over all shards. What is left is found
 * by the next round, and two rounds at once do no harm, so a call may be repeated at will.
 */
export function runSweep(options: SweepHandlerOptions): Handler {
  const { runtime, steps, namespace } = options;
  const failure = 'A sweep was not finished; the next one goes on';
  return postedBy('a scheduler', options, failure, async () => {
    const swept = await sweepAll(runtime, steps, namespace);
    runtime.telemetry.event(swept.failed > 0 ? 'ERROR' : 'INFO', 'Swept', { swept });
    return { status: 200, text: JSON.stringify(swept) };
  });
}
