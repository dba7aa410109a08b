import { OnceRefused } from '../engine/once.ts';
import type { OnceRequest } from '../engine/once.ts';
import { PayloadGone } from '../engine/payload.ts';
import type { StepContext } from '../engine/step.ts';
import { readIdempotencyKey } from '../handlers/api/idempotency-key.ts';
import { once } from '../once.ts';
import { leavesQuestions } from '../operation/record.ts';
import { hashOf } from '../token/hash.ts';
import { keyToken, parseNamespace } from '../token/token.ts';
import type { Namespace } from '../token/token.ts';
import { fingerprintOf, traceOf } from './guarded-request.ts';
import type { Fingerprint, GuardedRequest } from './guarded-request.ts';
import { checkOptions } from './options.ts';
import type { Idempotency, IdempotencyOptions } from './options.ts';
import { callerUnknown, keyInvalid, keyMissing, refusalFor, replyGone } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { finalReply, fromRecord, toRecord } from './reply.ts';
import type { HandledReply, RecordedReply } from './reply.ts';

export type Guarded =
  /** Not guarded: the handler is to run as if there were no middleware. */
  | { readonly kind: 'unguarded' }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** What this handler answered just now; `retryAfterMs` where it may be asked again. */
  | { readonly kind: 'handled'; readonly retryAfterMs?: number }
  | { readonly kind: 'replayed'; readonly reply: RecordedReply & { readonly body: Uint8Array } };

export type Handle = (idempotency: Idempotency) => Promise<HandledReply>;

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);
const LARGEST = { kept: 5 * 1024 * 1024, inRecord: 240 * 1024 };

/** The largest body that is kept for a replay. */
export function largestReply({
  maxReplyBytes,
  blobs,
}: Pick<IdempotencyOptions<never>, 'maxReplyBytes' | 'blobs'>): number {
  return maxReplyBytes ?? (blobs ? LARGEST.kept : LARGEST.inRecord);
}

/**
 * Guards requests of one route by the draft "The Idempotency-Key HTTP Header Field"
 * (https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/): a handler runs at most
 * once for a caller's key, as far as the route's `effect` can promise, and its reply is given again.
 */
export function requestGuard<Request>(options: IdempotencyOptions<Request>) {
  checkOptions(options);
  const namespace = parseNamespace(options.namespace) as Namespace;

  return async (request: GuardedRequest<Request>, handle: Handle): Promise<Guarded> => {
    if (SAFE_METHODS.has(request.method)) return { kind: 'unguarded' };
    const read = readIdempotencyKey(request.key);
    if (read.kind === 'invalid') return refused(keyInvalid());
    if (read.key === undefined) {
      return options.key === 'optional' ? { kind: 'unguarded' } : refused(keyMissing());
    }
    const caller = options.caller(request.native);
    if (caller === undefined || caller === '') return refused(callerUnknown());
    const fingerprint = await fingerprintOf(request);
    if ('status' in fingerprint) return refused(fingerprint);

    const key = hashOf('m1', [caller, read.key], ['caller', 'key']);
    const token = keyToken(namespace, key);
    const ran: Ran = {};
    const asked = onceRequest(options, key, fingerprint);
    const run = (context: StepContext<unknown>) =>
      runHandler(options, { key: read.key as string, request, context }, handle, ran);
    try {
      const { result } = await once(options.store, asked, run, surroundingsOf(options));
      if (ran.reply) return { kind: 'handled' };
      const { body, ...reply } = fromRecord(result);
      if (body) return { kind: 'replayed', reply: { ...reply, body } };
      return refused(replyGone(token, 'it was larger than this server keeps.'));
    } catch (error) {
      if (error instanceof PayloadGone) return refused(replyGone(token, error.message));
      if (!(error instanceof OnceRefused)) throw error;
      return guardedFrom(error, token, ran);
    }
  };
}

/** What the handler came to in this process, if it ran here. */
interface Ran {
  reply?: HandledReply;
}

function onceRequest<Request>(
  options: IdempotencyOptions<Request>,
  key: string,
  params: Fingerprint,
): OnceRequest<unknown, RecordedReply> {
  const { namespace, action, retention = 'api', timeoutMs, leaseMs, maxAttempts, waitMs } = options;
  return {
    namespace,
    agent: 'http',
    action,
    params,
    key,
    retention,
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(leaseMs !== undefined && { leaseMs }),
    ...(maxAttempts !== undefined && { maxAttempts }),
    ...(waitMs !== undefined && { waitMs }),
    effect: options.effect,
    ...(options.effect === 'reconcilable' && {
      async reconcile({ trackingId, signal }) {
        const told = await options.reconcile(trackingId, signal);
        return told.state === 'committed'
          ? { state: 'committed', result: toRecord(told.reply) }
          : told;
      },
    }),
  };
}

async function runHandler<Request>(
  { effect }: IdempotencyOptions<Request>,
  {
    key,
    request,
    context,
  }: { key: string; request: GuardedRequest<Request>; context: StepContext<unknown> },
  handle: Handle,
  ran: Ran,
): Promise<RecordedReply> {
  const { token, idempotencyKey, attempt, signal } = context;
  const trackingId = leavesQuestions(effect) ? await context.start() : idempotencyKey;
  const traceparent = traceOf(request.traceparent);
  let notDone = false;
  const reply = await handle({
    key,
    token,
    idempotencyKey,
    trackingId,
    attempt,
    signal,
    ...(traceparent !== undefined && { traceparent }),
    notDone() {
      notDone = true;
    },
  });
  ran.reply = reply;
  return finalReply(reply, notDone);
}

/** A reply that is not recorded still goes to the caller who waited for it; a lost claim's does not. */
function guardedFrom(error: OnceRefused, token: string, { reply }: Ran): Guarded {
  const { outcome } = error;
  const own =
    outcome.kind === 'retryable_error' ||
    outcome.kind === 'terminal_error' ||
    outcome.kind === 'in_doubt';
  if (reply && own) {
    return 'retryAfterMs' in outcome
      ? { kind: 'handled', retryAfterMs: outcome.retryAfterMs }
      : { kind: 'handled' };
  }
  return refused(refusalFor(outcome, token, error.message));
}

function surroundingsOf<Request>({ blobs, telemetry }: IdempotencyOptions<Request>) {
  return { ...(blobs && { blobs }), ...(telemetry && { telemetry }) };
}

function refused(refusal: Refusal): Guarded {
  return { kind: 'refused', refusal };
}
