import { archiveTick } from '../engine/archive-tick.ts';
import type { Runtime } from '../engine/runtime.ts';
import type { ArchiveQueue } from '../ports/archive-queue.ts';
import { postedBy } from './push-reply.ts';
import type { Guarded, Handler } from './push-reply.ts';

export interface ArchiveTickOptions extends Guarded {
  readonly runtime: Runtime;
  readonly queue: ArchiveQueue;
}

/** The function `archive-tick`, called by a scheduler: one message for each shard. May be repeated. */
export function archiveTickHandler(options: ArchiveTickOptions): Handler {
  const failure = 'Archiving was not started; the next call starts it';
  return postedBy('a scheduler', options, failure, async () => {
    const shards = await archiveTick(options.runtime, options.queue);
    return { status: 200, text: JSON.stringify({ shards }) };
  });
}
