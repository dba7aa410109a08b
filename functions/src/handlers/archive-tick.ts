import type { IncomingMessage, ServerResponse } from 'node:http';
import { archiveTick } from '../engine/archive-tick.ts';
import type { Runtime } from '../engine/runtime.ts';
import type { ArchiveQueue } from '../ports/archive-queue.ts';
import type { VerifyCaller } from '../ports/verify-caller.ts';
import { answering, refusal } from './push-reply.ts';
import type { Reply } from './push-reply.ts';
import type { PushRequest } from './push-request.ts';

export interface ArchiveTickOptions {
  readonly runtime: Runtime;
  readonly queue: ArchiveQueue;
  readonly verifyCaller: VerifyCaller | 'unverified';
}

/** The function `archive-tick`, called by a scheduler: one message for each shard. May be repeated. */
export function archiveTickHandler(
  options: ArchiveTickOptions,
): (request: IncomingMessage & PushRequest, response: ServerResponse) => Promise<void> {
  const failure = 'Archiving was not started; the next call starts it';
  return answering(options.runtime, failure, (request) => replyTo(options, request));
}

async function replyTo(
  options: ArchiveTickOptions,
  request: IncomingMessage & PushRequest,
): Promise<Reply> {
  if (request.method !== 'POST') {
    return { status: 405, headers: { Allow: 'POST' }, text: 'A scheduler posts here.' };
  }
  const refused = await refusal(options, request);
  if (refused) return refused;
  const shards = await archiveTick(options.runtime, options.queue);
  return { status: 200, text: JSON.stringify({ shards }) };
}
