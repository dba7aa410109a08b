import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** The part of an HTTP request that an envelope is read from, as functions-framework hands it over. */
export interface PushRequest {
  readonly headers: IncomingHttpHeaders;
  /** Parsed by content type: an object, text, or bytes. */
  readonly body?: unknown;
  /** The body as it came. */
  readonly rawBody?: Uint8Array | undefined;
}

/**
 * The request with its body. functions-framework leaves one without a content type unread, and an unwrapped
 * message has one only where its publisher said so.
 */
export async function withBody(request: IncomingMessage & PushRequest): Promise<PushRequest> {
  const { headers, body, rawBody, readable } = request;
  if (body !== undefined || rawBody !== undefined || !readable) return request;
  return { headers, rawBody: Buffer.concat((await request.toArray()) as Buffer[]) };
}

/** The body as it came, or as near to it as what is left of it allows. */
export function bodyBytes({ body, rawBody }: PushRequest): Uint8Array {
  if (rawBody) return rawBody;
  if (body instanceof Uint8Array) return body;
  if (typeof body === 'string') return Buffer.from(body);
  return Buffer.from(JSON.stringify(body) ?? '');
}

/** The body as JSON whatever its content type says; `undefined` where it is not. */
export function bodyJson(request: PushRequest): unknown {
  const { body, headers } = request;
  const parsed = typeof body === 'object' && body !== null && !(body instanceof Uint8Array);
  const form = headers['content-type']?.includes('urlencoded') === true;
  if (parsed && !form) return body;
  try {
    return JSON.parse(Buffer.from(bodyBytes(request)).toString());
  } catch {
    return undefined;
  }
}

export function headerOf({ headers }: PushRequest, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}
