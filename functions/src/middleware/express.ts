/** `agent-once/middleware/express`: `Idempotency-Key` for the routes of an express app, 4 or 5. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CapturedReply } from './capture-reply.ts';
import { largestReply, requestGuard } from './guard-request.ts';
import { BodyUnread } from './guarded-request.ts';
import type { GuardedRequest } from './guarded-request.ts';
import type { Idempotency, IdempotencyOptions } from './options.ts';
import { wholeSeconds } from './refusal.ts';

export type { Idempotency, IdempotencyOptions, ReconciledReply, ReplyToRecord } from './options.ts';

/** What this needs of an express request. */
export interface ExpressRequest extends IncomingMessage {
  readonly originalUrl?: string;
  /** As a body parser in front left it. */
  readonly body?: unknown;
  /** The bytes as they came, where somebody keeps them. */
  readonly rawBody?: Uint8Array | undefined;
}

export type ExpressMiddleware<Request extends ExpressRequest> = (
  request: Request,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => Promise<void>;

const given = new WeakMap<IncomingMessage, Idempotency>();

/** What a guarded handler may know of its request; `undefined` for one that is not guarded. */
export function idempotencyOf(request: IncomingMessage): Idempotency | undefined {
  return given.get(request);
}

/**
 * Guards the handlers behind it. Put it behind whatever verifies the caller and parses the body, and in
 * front of what makes the reply; compression belongs in front.
 *
 * @throws {RangeError} where the options are not usable
 */
export function idempotency<Request extends ExpressRequest = ExpressRequest>(
  options: IdempotencyOptions<Request>,
): ExpressMiddleware<Request> {
  const guard = requestGuard<Request>(options);
  const maxBytes = largestReply(options);

  return async (request, response, next) => {
    const capture = new CapturedReply(response, maxBytes);
    try {
      const guarded = await guard(requestOf(request), (idempotent) => {
        given.set(request, idempotent);
        capture.begin();
        next();
        return capture.handled;
      });
      switch (guarded.kind) {
        case 'unguarded':
          return next();
        case 'refused':
          return capture.answer(
            guarded.refusal.status,
            guarded.refusal.headers,
            guarded.refusal.body,
          );
        case 'handled': {
          const { retryAfterMs } = guarded;
          return capture.release(
            retryAfterMs === undefined ? {} : { 'retry-after': wholeSeconds(retryAfterMs) },
          );
        }
        case 'replayed': {
          const { status, headers, body } = guarded.reply;
          const all = { ...Object.fromEntries(headers), 'idempotency-replayed': 'true' };
          return capture.answer(status, all, body);
        }
      }
    } catch (error) {
      capture.stop();
      next(error);
    }
  };
}

function requestOf<Request extends ExpressRequest>(request: Request): GuardedRequest<Request> {
  const { method = 'GET', headers, originalUrl, url = '/' } = request;
  const target = originalUrl ?? url;
  const mark = target.indexOf('?');
  return {
    native: request,
    method,
    path: mark < 0 ? target : target.slice(0, mark),
    query: mark < 0 ? '' : target.slice(mark + 1),
    key: single(headers['idempotency-key']),
    traceparent: single(headers['traceparent']),
    body: async () => bodyOf(request),
  };
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(', ') : header;
}

function bodyOf(request: ExpressRequest): unknown {
  const { headers, rawBody, body } = request;
  if (rawBody) return rawBody.length === 0 ? null : rawBody;
  const hasBody =
    headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  if (!hasBody) return null;
  // Some parsers leave an empty object where they read nothing.
  if (body !== undefined && request.readableDidRead) return body;
  throw new BodyUnread(
    `No body parser here takes ${headers['content-type'] ?? 'an unnamed type'}.`,
  );
}
