import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { runOrder } from '../engine/archive-order.ts';
import type { ArchiveReport } from '../engine/archive-shard.ts';
import type { Runtime } from '../engine/runtime.ts';
import { ARCHIVE_ORDER_SCHEMA } from '../names.ts';
import type { ArchiveQueue, ShardOrder } from '../ports/archive-queue.ts';
import type { ColdStorage } from '../ports/cold-storage.ts';
import { decodeEnvelope } from './decode-envelope.ts';
import { postedBy } from './push-reply.ts';
import type { Guarded, Handler, Reply } from './push-reply.ts';
import { withBody } from './push-request.ts';
import type { PushRequest } from './push-request.ts';

export interface ArchiveShardOptions extends Guarded {
  readonly runtime: Runtime;
  readonly cold: ColdStorage;
  readonly queue: ArchiveQueue;
  readonly budgetMs: number;
}

/**
 * The function `archive-shard`: takes the requests of a push subscription, each for one shard. Answered
 * 2xx once the shard is done or handed on; 503 where a store was away, and Pub/Sub delivers it again.
 */
export function archiveShardHandler(options: ArchiveShardOptions): Handler {
  const failure = 'A shard was not archived to its end; the message is delivered again';
  return postedBy('a Pub/Sub push subscription', options, failure, (request) =>
    replyTo(options, request),
  );
}

async function replyTo(
  { runtime, cold, queue, budgetMs }: ArchiveShardOptions,
  request: IncomingMessage & PushRequest,
): Promise<Reply> {
  const envelope = decodeEnvelope(await withBody(request));
  const order = envelope.kind === 'delivery' ? orderOf(envelope.message.data, runtime) : undefined;
  if (!order) {
    // Delivered again it would be no better. The next tick orders every shard anew.
    runtime.telemetry.event('ERROR', 'A message is no order to archive a shard, and is dropped');
    return { status: 204 };
  }
  const log = (counts: object): void => {
    const archived = { shard: order.shard, ...counts };
    runtime.telemetry.event('INFO', 'Archived', { archived });
  };
  let soFar: ArchiveReport | undefined;
  const progress = (report: ArchiveReport): void => void (soFar = report);
  try {
    const { next, ...counts } = await runOrder(runtime, cold, queue, order, { budgetMs, progress });
    const lagMs = Math.max(0, Math.round(runtime.clock.now() - reached(order, next)));
    log({ ...counts, handedOn: next !== undefined, lagMs });
  } catch (error) {
    if (soFar) log({ ...soFar, failed: true });
    throw error;
  }
  return { status: 204 };
}

/** Everything that expired before this time is archived, or kept for a reason. */
function reached({ until }: ShardOrder, next: string | undefined): number {
  return next === undefined ? until : (JSON.parse(next) as [number, string])[0];
}

const orderSchema = z.object({
  schema: z.literal(ARCHIVE_ORDER_SCHEMA),
  shard: z.int().min(0),
  until: z.number().min(0),
  after: z
    .string()
    .regex(/^\[\d{1,16}(?:\.\d{1,16})?,"[\w-]{43}"\]$/)
    .optional(),
});

function orderOf(data: Uint8Array, { store }: Runtime): ShardOrder | undefined {
  const { data: order } = orderSchema.safeParse(parsed(data));
  if (!order || order.shard >= store.shards) return undefined;
  const { shard, until, after } = order;
  return { shard, until, ...(after !== undefined && { after }) };
}

function parsed(data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data).toString());
  } catch {
    return undefined;
  }
}
