import { NotDone, RetryableError, TerminalError } from '../operation/errors.ts';
import type { ReplyToRecord } from './options.ts';

/** A reply as it is recorded and given again. */
export interface RecordedReply {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Absent: it was larger than may be kept. */
  readonly body?: Uint8Array;
}

/** What a handler answered. */
export interface HandledReply extends RecordedReply {
  readonly thrown?: unknown;
}

/** Those that belong to the connection or the moment, and what identifies one browser. */
const NOT_RECORDED = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'set-cookie',
  'set-cookie2',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** The handler's own headers: those that stood before it are set anew for each reply. */
export function headersToRecord(
  after: Iterable<readonly [string, string]>,
  before: ReadonlyMap<string, string>,
): [string, string][] {
  return [...after].flatMap(([name, value]) => {
    const lower = name.toLowerCase();
    if (NOT_RECORDED.has(lower) || before.get(lower) === value) return [];
    return [[lower, value] as [string, string]];
  });
}

/**
 * What a reply says of the effect. 2xx, 3xx and 4xx are final; 429 says that nothing was done; after a
 * 5xx nobody knows, and the effect's kind decides.
 *
 * @throws {NotDone | RetryableError | TerminalError} where it is not final
 */
export function finalReply(reply: HandledReply, notDone: boolean): RecordedReply {
  const { thrown, ...recorded } = reply;
  const { status } = reply;
  if (status < 500 && status !== 429) return recorded;
  if (isVerdict(thrown)) throw thrown;
  const retryAfterMs = retryAfter(reply);
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  const message = `The handler answered ${status}.`;
  if (status === 429 || notDone) throw new NotDone(`http_${status}`, message, wait);
  throw new RetryableError(`http_${status}`, message, wait);
}

/** A handler's own word on what its failure means. */
function isVerdict(thrown: unknown): thrown is Error {
  return (
    thrown instanceof NotDone || thrown instanceof RetryableError || thrown instanceof TerminalError
  );
}

function retryAfter({ headers }: HandledReply): number | undefined {
  const [, text] = headers.find(([name]) => name === 'retry-after') ?? [];
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : undefined;
}

export function toRecord({ status, headers = {}, body = '' }: ReplyToRecord): RecordedReply {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  return {
    status,
    headers: headersToRecord(Object.entries(headers), new Map()),
    body: Uint8Array.from(bytes),
  };
}

/**
 * A result as it is on record: a handler's reply, or what a person who resolved the operation wrote down.
 * Theirs may be a reply with a JSON body, or any JSON, which is then a 200.
 */
export function fromRecord(result: unknown): RecordedReply {
  if (!isReply(result)) return jsonReply(200, [], result);
  const { status, headers = [], body } = result;
  const pairs = Array.isArray(headers) ? headers : Object.entries(headers);
  if (body === undefined) return { status, headers: pairs };
  if (body instanceof Uint8Array) return { status, headers: pairs, body };
  return jsonReply(status, pairs, body);
}

type Pairs = RecordedReply['headers'];

interface AnyReply {
  readonly status: number;
  readonly headers?: Pairs | Readonly<Record<string, string>>;
  readonly body?: unknown;
}

function isReply(result: unknown): result is AnyReply {
  if (typeof result !== 'object' || result === null || !('status' in result)) return false;
  const { status } = result;
  return Number.isInteger(status) && (status as number) >= 200 && (status as number) <= 599;
}

function jsonReply(status: number, headers: Pairs, value: unknown): RecordedReply {
  const named = headers.some(([name]) => name.toLowerCase() === 'content-type');
  if (typeof value === 'string') return { status, headers, body: Buffer.from(value) };
  const type = named ? [] : [['content-type', 'application/json'] as const];
  const text = JSON.stringify(value) ?? '';
  return { status, headers: [...headers, ...type], body: Buffer.from(text) };
}
