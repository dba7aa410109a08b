import type { Socket } from 'node:net';
import { defineStep } from '../engine/step.ts';
import type {
  FollowUp,
  ReconcileContext,
  Reconciliation,
  Step,
  StepContext,
} from '../engine/step.ts';
import { NotDone } from '../operation/errors.ts';
import { leavesQuestions } from '../operation/record.ts';
import type { Effect, Retention } from '../operation/record.ts';
import { judgeAnswer, resultOf } from './http-answer.ts';
import type { HttpRequestResult } from './http-answer.ts';
import { exchange, NotSent, openConnection } from './http-exchange.ts';
import type { Incoming, Outgoing } from './http-exchange.ts';
import { allowedOrigins, paramsSchema } from './http-params.ts';
import type { HttpRequestParams } from './http-params.ts';

export type { HttpRequestResult } from './http-answer.ts';

type Reconcile = (
  context: ReconcileContext<HttpRequestParams>,
) => Promise<Reconciliation<HttpRequestResult>>;

interface CommonOptions {
  readonly action: string;
  /** Which hosts may be called, as exact origins: `https://agents.example.com`. */
  readonly origins: readonly string[];
  /** Sent with every request, made anew for each. The place for credentials: params are recorded. */
  readonly headers?: () => Promise<Readonly<Record<string, string>>>;
  /** For the whole attempt, connecting included. Default 30,000. */
  readonly timeoutMs?: number;
  /** A larger body is left out of the result. Default 5 MiB. */
  readonly maxResponseBytes?: number;
  readonly retention?: string | Retention;
  readonly leaseMs?: number;
  readonly maxAttempts?: number;
  next?(result: HttpRequestResult, params: HttpRequestParams): readonly FollowUp[];
}

export type HttpRequestOptions = CommonOptions &
  (
    | {
        readonly effect: 'reconcilable';
        /**
         * Asks what became of a request. As a URL, `{trackingId}` in it stands for the request's
         * `Idempotency-Key`: 2xx to a GET is its result, 404 means that it never happened and never
         * will, and anything else that nobody knows yet.
         */
        readonly reconcile: string | Reconcile;
        /** How long after a lapse a 404 may still turn into an effect. Default `timeoutMs`. */
        readonly settleMs?: number;
      }
    | { readonly effect: Exclude<Effect, 'reconcilable'> }
  );

/**
 * A step that calls an agent's endpoint, in any language, with `Idempotency-Key` and `traceparent`.
 *
 * 2xx is the result. A connection that can't be made, and 429, mean that nothing was done, and the
 * request is repeated after `Retry-After`; other 4xx and redirects end it. After a timeout, a reset or
 * a 5xx nobody knows, so what happens next is up to `effect`: an endpoint that honours
 * `Idempotency-Key` is `idempotent`.
 *
 * @throws {RangeError} where an origin is not exactly one
 */
export function httpRequestStep(options: HttpRequestOptions): HttpRequestStep {
  if (options.effect !== 'reconcilable') {
    return defineStep({ ...stepOf(options), effect: options.effect });
  }
  const { effect, reconcile, settleMs, ...common } = options;
  const step = stepOf({ ...common, effect });
  return defineStep({
    ...step,
    effect,
    settleMs: settleMs ?? step.timeoutMs,
    reconcile: typeof reconcile === 'string' ? asking(callOf(options), reconcile) : reconcile,
  });
}

type HttpRequestStep = Step<ReturnType<typeof paramsSchema>, HttpRequestResult>;

type RegisteredCall = CommonOptions & { readonly effect: Effect };

function stepOf(options: RegisteredCall) {
  const call = callOf(options);
  const {
    origins: _origins,
    headers: _headers,
    maxResponseBytes: _maxResponseBytes,
    effect: _effect,
    timeoutMs = 30_000,
    ...definition
  } = options;
  return {
    ...definition,
    timeoutMs,
    params: paramsSchema(call.allowed),
    run: (context: StepContext<HttpRequestParams>) => send(call, context),
  };
}

interface Call {
  readonly effect: Effect;
  readonly allowed: ReadonlySet<string>;
  readonly headers: CommonOptions['headers'];
  readonly maxBytes: number;
}

function callOf({ effect, origins, headers, maxResponseBytes }: RegisteredCall): Call {
  const maxBytes = maxResponseBytes ?? 5 * 1024 * 1024;
  return { effect, allowed: allowedOrigins(origins), headers, maxBytes };
}

async function send(
  { effect, headers, maxBytes }: Call,
  context: StepContext<HttpRequestParams>,
): Promise<HttpRequestResult> {
  const { params, idempotencyKey, traceparent, signal } = context;
  const { contentType, body } = encoded(params.body);
  const outgoing: Outgoing = {
    url: new URL(params.url),
    method: params.method,
    headers: {
      ...(contentType !== undefined && { 'content-type': contentType }),
      ...lowerCased(params.headers),
      ...lowerCased(await headers?.()),
      'idempotency-key': idempotencyKey,
      ...(traceparent !== undefined && { traceparent }),
    },
    body,
  };
  const answer = await sendOnce(outgoing, { signal, maxBytes }, async () => {
    if (leavesQuestions(effect)) await context.start();
  });
  return judgeAnswer(answer, `${params.method} ${outgoing.url.origin}${outgoing.url.pathname}`);
}

/** `beforeSending` runs once there is a connection: an endpoint that is down costs no record. */
export async function sendOnce(
  outgoing: Outgoing,
  limits: { readonly signal: AbortSignal; readonly maxBytes: number },
  beforeSending: () => Promise<void>,
): Promise<Incoming> {
  let socket: Socket | undefined;
  try {
    socket = await openConnection(outgoing.url, limits.signal);
    await beforeSending();
    return await exchange(socket, outgoing, limits);
  } catch (error) {
    if (!(error instanceof NotSent)) throw error;
    throw new NotDone('endpoint_unreachable', error.message, { cause: error });
  } finally {
    socket?.destroy();
  }
}

function asking(call: Call, template: string): Reconcile {
  const urlOf = (trackingId: string) =>
    new URL(template.replaceAll('{trackingId}', encodeURIComponent(trackingId)));
  if (!URL.canParse(template) || !call.allowed.has(urlOf('x').origin)) {
    throw new RangeError(`reconcile: "${template}" is no URL of an allowed origin.`);
  }
  return async ({ trackingId, signal }) => {
    const headers = lowerCased(await call.headers?.());
    const outgoing: Outgoing = { url: urlOf(trackingId), method: 'GET', headers };
    const answer = await sendOnce(outgoing, { ...call, signal }, async () => {});
    if (answer.status === 404) return { state: 'absent' };
    if (answer.status < 200 || answer.status > 299) return { state: 'unknown' };
    return { state: 'committed', result: resultOf(answer) };
  };
}

function encoded(body: HttpRequestParams['body']): { contentType?: string; body?: Uint8Array } {
  if (body === undefined) return {};
  if (typeof body === 'string') {
    return { contentType: 'text/plain; charset=utf-8', body: Buffer.from(body) };
  }
  return { contentType: 'application/json', body: Buffer.from(JSON.stringify(body)) };
}

function lowerCased(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
