import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ArchiveConfig } from './config/backend.ts';
import type { Config } from './config.ts';
import type { Runtime } from './engine/runtime.ts';
import { archiveShardHandler } from './handlers/archive-shard.ts';
import { archiveTickHandler } from './handlers/archive-tick.ts';
import type { PushRequest } from './handlers/push-request.ts';
import type { VerifyCaller } from './ports/verify-caller.ts';

type Handler = (request: IncomingMessage & PushRequest, response: ServerResponse) => Promise<void>;

/** The functions `archive-tick` and `archive-shard`. */
export async function composeArchive(
  { project }: Config['backend'],
  { topic, budgetMs }: ArchiveConfig,
  { runtime, verifyCaller }: { runtime: Runtime; verifyCaller: VerifyCaller | 'unverified' },
): Promise<{ readonly tick: Handler; readonly shard: Handler }> {
  const { cold } = runtime;
  if (!cold || project === undefined)
    throw new RangeError('There is no cold storage to archive to.');
  const [{ PubSub }, { pubsubArchiveQueue }] = await Promise.all([
    import('@google-cloud/pubsub'),
    import('./adapters/pubsub/archive-queue.ts'),
  ]);
  const queue = pubsubArchiveQueue(new PubSub({ projectId: project }), topic);
  return {
    tick: archiveTickHandler({ runtime, queue, verifyCaller }),
    shard: archiveShardHandler({ runtime, cold, queue, budgetMs, verifyCaller }),
  };
}
