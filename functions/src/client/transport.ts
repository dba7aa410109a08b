import { setTimeout as delay } from 'node:timers/promises';
import { isProblem, ServiceAway, ServiceProblem } from './problem.ts';

export interface ClientOptions {
  /** The service's URL, without `/v1`. */
  readonly url: string;
  /** The bearer token of each request: an ID token for the service, or the development token. */
  readonly token: string | (() => string | Promise<string>);
  /** Which of the caller's namespaces; needed only where it has several. */
  readonly namespace?: string;
  /** How long one call may take, repetitions included. Default 15 s. */
  readonly deadlineMs?: number;
  /** How long one request may take before it is sent again. Default 6 s, longer than the service's own limit. */
  readonly requestMs?: number;
  /** For tests and proxies. Node's own keeps its connections open between requests. */
  readonly fetch?: typeof fetch;
}

export interface Reply<Body> {
  readonly status: number;
  readonly replayed: boolean;
  readonly body: Body;
}

export interface Ask {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly deadlineMs?: number;
}

/** Sends one call, again where that is safe and may help, until it is answered. */
export type Transport = <Body>(ask: Ask) => Promise<Reply<Body>>;

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 2_000;
const REPEATED: ReadonlySet<string> = new Set([
  'store_away',
  'unavailable',
  'rate_limited',
  'internal',
]);

/**
 * Every call of the service may be sent again: a begin finds its own claim, a completion itself.
 *
 * @throws {ServiceProblem} for an answer that asking again would not change
 * @throws {ServiceAway} where no other answer came before the deadline
 */
export function transportTo(options: ClientOptions): Transport {
  const { url, namespace, deadlineMs: usualMs = 15_000, requestMs = 6_000 } = options;
  const send = options.fetch ?? fetch;
  const base = url.replace(/\/+$/, '');

  async function once<Body>(ask: Ask, leftMs: number): Promise<Reply<Body> | Failure> {
    const { token } = options;
    const limit = AbortSignal.timeout(Math.max(1, Math.ceil(Math.min(leftMs, requestMs))));
    const signal = ask.signal ? AbortSignal.any([limit, ask.signal]) : limit;
    try {
      const bearer = typeof token === 'string' ? token : await token();
      const response = await send(`${base}${ask.path}`, {
        method: ask.method,
        signal,
        headers: {
          Authorization: `Bearer ${bearer}`,
          ...(namespace !== undefined && { 'Agent-Once-Namespace': namespace }),
          ...(ask.body !== undefined && { 'Content-Type': 'application/json' }),
          ...ask.headers,
        },
        ...(ask.body !== undefined && { body: JSON.stringify(ask.body) }),
      });
      const body = (await response.json()) as Body;
      if (response.ok) {
        const replayed = response.headers.get('idempotency-replayed') === 'true';
        return { status: response.status, replayed, body };
      }
      if (!isProblem(body)) {
        return { failed: new ServiceAway(`${ask.path} answered ${response.status}.`) };
      }
      const problem = new ServiceProblem(ask.path, body);
      if (!REPEATED.has(body.code)) throw problem;
      return { failed: problem, waitMs: body.retryAfterMs ?? 0 };
    } catch (error) {
      ask.signal?.throwIfAborted();
      if (error instanceof ServiceProblem) throw error;
      return { failed: new ServiceAway(`${ask.path} gave no answer.`, { cause: error }) };
    }
  }

  return async <Body>(ask: Ask): Promise<Reply<Body>> => {
    const giveUpAt = performance.now() + (ask.deadlineMs ?? usualMs);
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2)) {
      const reply = await once<Body>(ask, giveUpAt - performance.now());
      if (!('failed' in reply)) return reply;
      const pauseMs = Math.max(reply.waitMs ?? 0, waitMs * (0.5 + Math.random() / 2));
      if (performance.now() + pauseMs >= giveUpAt) throw reply.failed;
      await delay(pauseMs, undefined, ask.signal ? { signal: ask.signal } : {});
    }
  };
}

interface Failure {
  readonly failed: Error;
  readonly waitMs?: number;
}
