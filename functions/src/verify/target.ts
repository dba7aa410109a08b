import { randomUUID } from 'node:crypto';

/** The endpoint to verify. Its effects are real: give one that may have them. */
export interface VerifyOptions {
  readonly url: string | URL;
  /** Default POST. */
  readonly method?: string;
  /** Sent with each request: credentials, say. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Parameters that the endpoint takes, sent as JSON. */
  readonly body: unknown;
  /** Other ones that it takes. Default: `body` with its first number or text changed. */
  readonly otherBody?: unknown;
  /**
   * How many effects there have been. Without it, replies have to name their effects: two that differ
   * are taken for two effects.
   */
  readonly effects?: () => Promise<number> | number;
  /** Has the endpoint's process start anew. Without it, what a restart forgets is not checked. */
  readonly restart?: () => Promise<unknown>;
  /** Resolves once what was recorded before has expired. Without it, expiry is not checked. */
  readonly expire?: () => Promise<unknown>;
  /** What is right after that. Default `kept`: the same reply, or a refusal, but no second effect. */
  readonly afterExpiry?: 'kept' | 'forgotten';
  /** How many requests are sent at the same time. Default 10. */
  readonly concurrency?: number;
  /** For each request. Default 30,000. */
  readonly timeoutMs?: number;
}

/** What the endpoint answered. */
export interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly replayed: boolean;
}

/** The endpoint as the checks use it. */
export interface Target {
  readonly body: unknown;
  readonly otherBody: unknown;
  readonly concurrency: number;
  readonly options: VerifyOptions;
  /** A key that nobody has used. */
  newKey(): string;
  /** @throws {NoReply} */
  send(key: string, body: unknown): Promise<Reply>;
  /** `undefined` where nobody counts. */
  effects(): Promise<number | undefined>;
}

/** The endpoint did not answer at all. */
export class NoReply extends Error {
  override readonly name = 'NoReply';
}

export function targetOf(options: VerifyOptions): Target {
  const { url, method = 'POST', headers = {}, timeoutMs = 30_000, concurrency = 10 } = options;
  const run = randomUUID();
  let keys = 0;
  return {
    options,
    concurrency,
    body: options.body,
    otherBody: options.otherBody ?? varied(options.body),
    newKey: () => `verify-${run}-${(keys += 1)}`,
    effects: async () => options.effects?.(),
    async send(key, body) {
      try {
        const response = await fetch(url, {
          method,
          headers: { 'Content-Type': 'application/json', ...headers, 'Idempotency-Key': key },
          body: JSON.stringify(body),
          signal: AbortSignal.timeout(timeoutMs),
        });
        return {
          status: response.status,
          type: response.headers.get('content-type') ?? '',
          body: await response.text(),
          replayed: response.headers.get('idempotency-replayed') === 'true',
        };
      } catch (error) {
        throw new NoReply(`${method} ${String(url)} gave no answer: ${reasonOf(error)}`, {
          cause: error,
        });
      }
    },
  };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.message : error.message;
}

/**
 * A slight variation: the first number is one more, or else the first text longer.
 *
 * @throws {RangeError} where there is neither
 */
export function varied(body: unknown): unknown {
  const other = changed(body, (leaf) => (typeof leaf === 'number' ? leaf + 1 : undefined));
  const text = (leaf: unknown) => (typeof leaf === 'string' ? `${leaf}-varied` : undefined);
  const found = other.done ? other : changed(body, text);
  if (found.done) return found.value;
  throw new RangeError('The body holds no number or text to vary: give other parameters too.');
}

interface Changed {
  readonly value: unknown;
  readonly done: boolean;
}

function changed(value: unknown, change: (leaf: unknown) => unknown): Changed {
  if (typeof value !== 'object' || value === null) {
    const other = change(value);
    return { value: other ?? value, done: other !== undefined };
  }
  let done = false;
  const entries = Object.entries(value).map(([name, held]) => {
    if (done) return [name, held] as const;
    const inner = changed(held, change);
    done = inner.done;
    return [name, inner.value] as const;
  });
  const copy = Array.isArray(value) ? entries.map(([, held]) => held) : Object.fromEntries(entries);
  return { value: copy, done };
}
