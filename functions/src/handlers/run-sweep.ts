import type { IncomingMessage, ServerResponse } from 'node:http';
import { sweepAll } from '../engine/sweep-all.ts';
import type { Receiver } from './handle-message.ts';
import { answering, refusal } from './push-reply.ts';
import type { Reply } from './push-reply.ts';
import type { PushRequest } from './push-request.ts';
import type { VerifyCaller } from '../ports/verify-caller.ts';

export interface SweepHandlerOptions extends Receiver {
  readonly verifyCaller: VerifyCaller | 'unverified';
}

/**
 * The function `sweep`, called by a scheduler: one bounded round over all shards. What is left is found
 * by the next round, and two rounds at once do no harm, so a call may be repeated at will.
 */
export function runSweep(
  options: SweepHandlerOptions,
): (request: IncomingMessage & PushRequest, response: ServerResponse) => Promise<void> {
  const failure = 'A sweep was not finished; the next one goes on';
  return answering(options.runtime, failure, (request) => replyTo(options, request));
}

async function replyTo(
  options: SweepHandlerOptions,
  request: IncomingMessage & PushRequest,
): Promise<Reply> {
  if (request.method !== 'POST') {
    return { status: 405, headers: { Allow: 'POST' }, text: 'A scheduler posts here.' };
  }
  const refused = await refusal(options, request);
  if (refused) return refused;
  const swept = await sweepAll(options.runtime, options.steps, options.namespace);
  options.runtime.telemetry.event(swept.failed > 0 ? 'ERROR' : 'INFO', 'Swept', { swept });
  return { status: 200, text: JSON.stringify(swept) };
}
