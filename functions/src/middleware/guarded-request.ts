import { hash } from 'node:crypto';
import { CanonicalError, encodeCanonical } from '../token/canonical.ts';
import { bodyUnknown } from './refusal.ts';
import type { Refusal } from './refusal.ts';

/** A request as any server gives it. */
export interface GuardedRequest<Request> {
  readonly native: Request;
  readonly method: string;
  readonly path: string;
  /** As it was sent, without the question mark. */
  readonly query: string;
  readonly key: string | undefined;
  readonly traceparent: string | undefined;
  /** Bytes, or what a parser made of them; `null` where there is none. */
  body(): Promise<unknown>;
}

/** The body could not be read by anyone in front of the middleware. */
export class BodyUnread extends Error {
  override readonly name = 'BodyUnread';
}

/** What makes two requests the same. */
export interface Fingerprint {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** A digest: the body may be large, or secret. */
  readonly body: string;
}

/** The fingerprint, or why there is none. */
export async function fingerprintOf<Request>({
  method,
  path,
  query,
  body: read,
}: GuardedRequest<Request>): Promise<Fingerprint | Refusal> {
  try {
    const body = await read();
    const bytes = body instanceof Uint8Array ? body : Buffer.from(encodeCanonical(body));
    const form = body instanceof Uint8Array ? 'bytes' : 'value';
    return { method, path, query, body: `${form}:${hash('sha256', bytes, 'base64url')}` };
  } catch (error) {
    if (error instanceof BodyUnread) return bodyUnknown(415, error.message);
    if (error instanceof CanonicalError) return bodyUnknown(400, error.message);
    throw error;
  }
}

/** A W3C trace context, where it is one (https://www.w3.org/TR/trace-context/#traceparent-header). */
export function traceOf(header: string | undefined): string | undefined {
  const isTrace = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/.test(header ?? '');
  return isTrace ? header : undefined;
}
