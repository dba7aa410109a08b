/** `agent-once/fetch`: calls to other services, each under a key that is the same on every attempt. */
import { NotDone, RetryableError } from '../operation/errors.ts';
import type { StepContext } from '../engine/step.ts';
import { judgeAnswer } from '../steps/http-answer.ts';
import type { Incoming } from '../steps/http-exchange.ts';
import { sendOnce } from '../steps/http-request.ts';
import { hashOf } from '../token/hash.ts';

/** A step's context, or a guarded handler's `idempotency`. */
export type CallingContext = Pick<
  StepContext<unknown>,
  'idempotencyKey' | 'signal' | 'traceparent'
>;

export interface CallOptions {
  /** Runs once there is a connection, before anything is sent: the place for `context.start()`. */
  readonly beforeSending?: () => Promise<unknown>;
  /** A larger answer's body can't be read. Default 5 MiB. */
  readonly maxResponseBytes?: number;
}

export interface CallInit extends Omit<RequestInit, 'redirect' | 'signal'> {
  /**
   * What the call is for. Give calls that are made side by side names of their own; others are told
   * apart by method and URL and counted.
   */
  readonly call?: string;
}

export type KeyedFetch = (url: string | URL, init?: CallInit) => Promise<Response>;

/**
 * A `fetch` for one run of a step. Each call carries `Idempotency-Key`, `traceparent` and the step's
 * signal. The key is made from the step's own, from what the call is for and from how many such calls
 * came before it in this run: a repeated run sends the same keys, and two intended calls differ. Redirects
 * are answers.
 *
 * @throws {NotDone} where there is no connection, or for 429: this run has done nothing
 * @throws {RetryableError} for the same where another call of this run may have changed something, and
 * where the endpoint still carries out an earlier try (409 with `Retry-After`)
 */
export function fetchOnce(context: CallingContext, options: CallOptions = {}): KeyedFetch {
  const { signal, traceparent, idempotencyKey } = context;
  const { beforeSending = async () => {}, maxResponseBytes: maxBytes = 5 * 1024 * 1024 } = options;
  const made = new Map<string, number>();
  /** Calls of this run that may have changed something. */
  let mayBeDone = 0;

  return async (url, { call, ...init } = {}) => {
    const request = new Request(url, init);
    const target = new URL(request.url);
    const { method } = request;
    const asked = `${method} ${target.origin}${target.pathname}`;
    const name = call ?? asked;
    const occurrence = made.get(name) ?? 0;
    made.set(name, occurrence + 1);
    const counts = method === 'GET' || method === 'HEAD' ? 0 : 1;
    const bytes = request.body ? new Uint8Array(await request.arrayBuffer()) : undefined;
    const outgoing = {
      url: target,
      method,
      headers: {
        ...Object.fromEntries(request.headers),
        'idempotency-key': callKey(idempotencyKey, name, occurrence),
        ...(traceparent !== undefined && { traceparent }),
      },
      body: bytes,
    };
    mayBeDone += counts;
    try {
      const answer = await sendOnce(outgoing, { signal, maxBytes }, async () => {
        await beforeSending();
      });
      if (saysLater(answer)) judgeAnswer(answer, asked);
      return responseOf(answer, maxBytes);
    } catch (error) {
      if (!(error instanceof NotDone)) throw error;
      mayBeDone -= counts;
      throw mayBeDone > 0 ? retryable(error) : error;
    }
  };
}

function callKey(idempotencyKey: string, name: string, occurrence: number): string {
  const parts = [idempotencyKey, name, String(occurrence)];
  return hashOf('f1', parts, ['idempotencyKey', 'call', 'occurrence']);
}

/** The same request is to be sent again: too many, or an earlier try is not through yet. */
function saysLater({ status, headers }: Incoming): boolean {
  return status === 429 || (status === 409 && headers['retry-after'] !== undefined);
}

/** This call was not done, but another of its run may have been, and the error speaks for all of them. */
function retryable({ code, message, retryAfterMs }: NotDone): RetryableError {
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  return new RetryableError(code, message, wait);
}

function responseOf({ status, headers: received, body }: Incoming, maxBytes: number): Response {
  const headers = new Headers();
  for (const [name, value] of Object.entries(received)) {
    for (const each of Array.isArray(value) ? value : [value ?? '']) headers.append(name, each);
  }
  if (status === 204 || status === 205 || status === 304) {
    return new Response(null, { status, headers });
  }
  return new Response(body ? Uint8Array.from(body) : unreadable(maxBytes), { status, headers });
}

/** The request was carried out all the same: only whoever reads the body learns that it is not there. */
function unreadable(maxBytes: number): ReadableStream {
  return new ReadableStream({
    start(controller) {
      controller.error(new RangeError(`The answer is larger than ${maxBytes} bytes.`));
    },
  });
}
