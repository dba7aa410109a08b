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
