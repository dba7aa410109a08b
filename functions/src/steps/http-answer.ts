import { NotDone, RetryableError, TerminalError } from '../operation/errors.ts';
import type { Incoming } from './http-exchange.ts';

export interface HttpRequestResult {
  readonly status: number;
  /** Those that say what the body is, or where the outcome is found. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON where the endpoint says that it is, else text, or bytes where it is not UTF-8; `null` if empty. */
  readonly body: unknown;
  /** The body was larger than may be kept. The request was carried out all the same. */
  readonly bodyOmitted?: true;
}

const KEPT_HEADERS = ['content-type', 'content-location', 'etag', 'last-modified', 'location'];

/** What an answer says of the effect: its result, or an error that says what is known. */
export function judgeAnswer(answer: Incoming, asked: string): HttpRequestResult {
  const { status } = answer;
  if (status >= 200 && status <= 299) return resultOf(answer);
  const message = `${asked} was answered ${status}${excerpt(answer.body)}`;
  const code = `http_${status}`;
  const retryAfterMs = retryAfter(answer);
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  if (status === 429) throw new NotDone(code, message, wait);
  // By the Idempotency-Key draft, an earlier try of this very request is still being carried out.
  if (status === 409 && retryAfterMs !== undefined) throw new RetryableError(code, message, wait);
  if (status >= 400 && status <= 499) throw new NotDone(code, message, { final: true });
  // Those two ask for the same request elsewhere; behind the others the effect may well be done.
  if (status === 307 || status === 308) throw new NotDone(code, message, { final: true });
  if (status >= 300 && status <= 399) throw new TerminalError(code, message);
  throw new RetryableError(code, message, wait);
}

export function resultOf({ status, headers, body }: Incoming): HttpRequestResult {
  const kept = KEPT_HEADERS.flatMap((name) => {
    const value = headers[name];
    return typeof value === 'string' ? [[name, value] as const] : [];
  });
  const result = { status, headers: Object.fromEntries(kept) };
  if (body === undefined) return { ...result, body: null, bodyOmitted: true };
  return { ...result, body: decoded(body, headers['content-type']) };
}

function decoded(body: Uint8Array, contentType = ''): unknown {
  if (body.length === 0) return null;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return Uint8Array.from(body);
  }
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(contentType)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** In seconds, or as a date, which the sender's own clock counts from. */
function retryAfter({ headers }: Incoming): number | undefined {
  const text = headers['retry-after']?.trim();
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  const waitMs = Date.parse(text) - Date.parse(headers.date ?? '');
  return Number.isNaN(waitMs) ? undefined : Math.max(0, waitMs);
}

function excerpt(body: Uint8Array | undefined): string {
  const text = Buffer.from(body?.subarray(0, 400) ?? [])
    .toString()
    .trim();
  return text === '' ? '.' : `: ${text}`;
}
