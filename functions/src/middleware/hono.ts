/** `agent-once/middleware/hono`: `Idempotency-Key` for the routes of a hono app. */
import type { Context, MiddlewareHandler } from 'hono';
import { largestReply, requestGuard } from './guard-request.ts';
import type { GuardedRequest } from './guarded-request.ts';
import type { Idempotency, IdempotencyOptions } from './options.ts';
import { wholeSeconds } from './refusal.ts';
import { headersToRecord } from './reply.ts';
import type { HandledReply } from './reply.ts';

export type { Idempotency, IdempotencyOptions, ReconciledReply, ReplyToRecord } from './options.ts';

/** What a guarded handler finds as `c.var.idempotency`. */
export interface IdempotencyVariables {
  idempotency: Idempotency;
}

/**
 * Guards the handlers behind it. Put it behind whatever verifies the caller, and in front of what makes
 * the reply; compression belongs in front.
 *
 * @throws {RangeError} where the options are not usable
 */
export function idempotency(
  options: IdempotencyOptions<Context>,
): MiddlewareHandler<{ Variables: IdempotencyVariables }> {
  const guard = requestGuard<Context>(options);
  const maxBytes = largestReply(options);

  return async (c, next) => {
    const passed = Promise.withResolvers<Response>();
    const guarded = guard(requestOf(c), async (given) => {
      c.set('idempotency', given);
      const before = new Map(c.res.headers);
      await next();
      return captured(c, before, maxBytes, passed.resolve);
    });
    const first = await Promise.race([guarded, passed.promise]);
    if (first instanceof Response) {
      // Its caller reads it while it is recorded that it was given; nobody waits for that any more.
      guarded.catch(() => {});
      replace(c, first);
      return;
    }
    switch (first.kind) {
      case 'unguarded':
        return next();
      case 'refused':
        replace(c, new Response(first.refusal.body, first.refusal));
        return;
      case 'handled': {
        const { retryAfterMs } = first;
        const { headers } = c.res;
        if (retryAfterMs !== undefined && !headers.has('retry-after')) {
          headers.set('retry-after', wholeSeconds(retryAfterMs));
        }
        return;
      }
      case 'replayed': {
        const { status, headers, body } = first.reply;
        const all = [...headers, ['idempotency-replayed', 'true'] as const];
        const content = isEmpty(status) ? null : Uint8Array.from(body);
        c.res = new Response(content, {
          status,
          headers: all.map(([name, value]) => [name, value]),
        });
        return;
      }
    }
  };
}

function requestOf(c: Context): GuardedRequest<Context> {
  const { pathname, search } = new URL(c.req.url);
  return {
    native: c,
    method: c.req.method,
    path: pathname,
    query: search.slice(1),
    key: c.req.header('idempotency-key'),
    traceparent: c.req.header('traceparent'),
    async body() {
      const { raw } = c.req;
      // A handler may want the raw request; one that was read before can only be had from hono.
      const read = raw.bodyUsed ? c.req.arrayBuffer() : raw.clone().arrayBuffer();
      const bytes = new Uint8Array(await read);
      return bytes.length === 0 ? null : bytes;
    },
  };
}

/** The reply that the handlers made, read to its end, and put back for the caller. */
async function captured(
  c: Context,
  before: ReadonlyMap<string, string>,
  maxBytes: number,
  passOn: (reply: Response) => void,
): Promise<HandledReply> {
  const made = c.res;
  const { status, headers } = made;
  const head = { status, headers: headersToRecord(headers, before) };
  const thrown = c.error === undefined ? {} : { thrown: c.error };
  const body = made.body ? await readReply(made, maxBytes, passOn) : new Uint8Array();
  if (!body) return { ...head, ...thrown };
  replace(c, new Response(isEmpty(status) ? null : Uint8Array.from(body), made));
  return { ...head, body, ...thrown };
}

/** The whole body; `undefined` where it is too large to keep and is passed on as it comes. */
async function readReply(
  made: Response,
  maxBytes: number,
  passOn: (reply: Response) => void,
): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let onward: WritableStreamDefaultWriter<Uint8Array> | undefined;
  for await (const chunk of made.body as AsyncIterable<Uint8Array>) {
    if (onward) {
      onward = await written(onward, chunk);
      continue;
    }
    chunks.push(chunk);
    length += chunk.length;
    if (length > maxBytes) {
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      passOn(new Response(readable, made));
      onward = writable.getWriter();
      for (const held of chunks.splice(0)) onward = await written(onward, held);
    }
  }
  if (length <= maxBytes) return Buffer.concat(chunks);
  await onward?.close().catch(() => {});
  return undefined;
}

type Writer = WritableStreamDefaultWriter<Uint8Array>;

/** A caller who has gone away doesn't end what the handler does. */
async function written(writer: Writer, chunk: Uint8Array): Promise<Writer> {
  await writer.write(chunk).catch(() => {});
  return writer;
}

/** hono merges the headers of a reply that is replaced into the new one, which has its own. */
function replace(c: Context, reply: Response): void {
  c.res = undefined;
  c.res = reply;
}

function isEmpty(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}
