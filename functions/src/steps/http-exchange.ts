import { request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { connect as connectPlain, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectSecure } from 'node:tls';

export interface Outgoing {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
}

export interface Incoming {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** `undefined` where it is larger than was asked for. */
  readonly body: Uint8Array | undefined;
}

/** There was no connection, so not a byte of the request was sent. */
export class NotSent extends Error {
  override readonly name = 'NotSent';
}

/**
 * Connects to the URL's host. Always a new connection: one that is kept alive may be closed by the
 * other side just as the request is written, which nobody could tell from a lost answer.
 *
 * @throws {NotSent} when the connection can't be made
 */
export async function openConnection(url: URL, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted();
  const secure = url.protocol === 'https:';
  const host = url.hostname.replaceAll(/^\[|\]$/g, '');
  const port = Number(url.port) || (secure ? 443 : 80);
  const socket = secure
    ? connectSecure({ host, port, ...(isIP(host) === 0 && { servername: host }) })
    : connectPlain({ host, port });
  const { promise: connected, resolve, reject } = Promise.withResolvers<void>();
  const stop = (): void => reject(signal.reason as Error);
  socket.once(secure ? 'secureConnect' : 'connect', resolve);
  socket.on('error', reject);
  signal.addEventListener('abort', stop, { once: true });
  try {
    await connected;
    return socket;
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    throw new NotSent(`No connection to ${url.origin}: ${reasonOf(error)}`, { cause: error });
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/**
 * Sends one request over a fresh connection and reads the answer, of which at most `maxBytes`. The
 * signal is looked at in the same turn in which the first byte is written: once it has aborted, nothing
 * is sent, also by a process that was frozen meanwhile.
 *
 * @throws {NotSent} when the connection broke before it was used
 */
export async function exchange(
  socket: Socket,
  { url, method, headers, body }: Outgoing,
  { signal, maxBytes }: { readonly signal: AbortSignal; readonly maxBytes: number },
): Promise<Incoming> {
  const request = httpRequest({
    createConnection: () => socket,
    method,
    path: `${url.pathname}${url.search}`,
    headers: { ...headers, host: url.host, ...(body && { 'content-length': body.length }) },
  });
  let sent = false;
  const { promise: answered, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const stop = (): void => void request.destroy(signal.reason as Error);
  request.once('response', resolve);
  request.on('error', reject);
  request.once('socket', () => {
    if (signal.aborted) {
      stop();
      return;
    }
    sent = true;
    request.end(body);
  });
  signal.addEventListener('abort', stop, { once: true });
  try {
    const response = await answered;
    const { statusCode: status = 0, headers: received } = response;
    return { status, headers: received, body: await readBody(response, maxBytes) };
  } catch (error) {
    signal.throwIfAborted();
    if (sent) throw error;
    throw new NotSent(`The connection to ${url.origin} broke: ${reasonOf(error)}`, {
      cause: error,
    });
  } finally {
    signal.removeEventListener('abort', stop);
    request.destroy();
  }
}

async function readBody(
  response: IncomingMessage,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
