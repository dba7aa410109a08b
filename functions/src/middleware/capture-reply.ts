import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { headersToRecord } from './reply.ts';
import type { HandledReply } from './reply.ts';

/** Holds back what handlers write to a response of Node's own server, until it is known what may go out. */
export interface Capture {
  /** From here on writes are held back. */
  begin(): void;
  /** The handlers' reply, once they ended it. */
  readonly handled: Promise<HandledReply>;
  /** Lets the handlers' reply out, with headers that they have not set. */
  release(headers: Readonly<Record<string, string>>): void;
  /** Answers instead of the handlers. What they still write goes nowhere. */
  answer(
    status: number,
    headers: Readonly<Record<string, string>>,
    body: string | Uint8Array,
  ): void;
  /** Writes go out again as they come. */
  end(): void;
}

type Mode = 'open' | 'held' | 'ignored';

export function captureReply(response: ServerResponse, maxBytes: number): Capture {
  const { promise: handled, resolve } = Promise.withResolvers<HandledReply>();
  const real = {
    writeHead: response.writeHead,
    write: response.write,
    end: response.end,
    flushHeaders: response.flushHeaders,
  };
  let before = new Map<string, string>();
  let chunks: Uint8Array[] = [];
  let length = 0;
  let mode: Mode = 'open';
  let ended = false;
  let tooLarge = false;

  function hold(chunk: unknown, encoding: unknown): void {
    if (chunk === undefined || chunk === null || typeof chunk === 'function') return;
    const bytes = bytesOf(chunk, encoding);
    chunks.push(bytes);
    length += bytes.length;
    if (length > maxBytes) passOn();
  }

  /** Too large to keep: out with what is held, and with the rest as it comes. */
  function passOn(): void {
    tooLarge = true;
    mode = 'open';
    const held = chunks;
    chunks = [];
    for (const bytes of held) real.write.call(response, bytes, 'utf8');
  }

  function reply(): HandledReply {
    const { statusCode: status } = response;
    const headers = headersToRecord(headersOf(response), before);
    return tooLarge ? { status, headers } : { status, headers, body: Buffer.concat(chunks) };
  }

  function send(body: string | Uint8Array): void {
    mode = 'open';
    ended = true;
    if (response.destroyed || response.headersSent) {
      mode = 'ignored';
      return;
    }
    if (!response.hasHeader('content-length') && !isEmpty(response.statusCode)) {
      response.setHeader('content-length', Buffer.byteLength(body));
    }
    real.end.call(response, isEmpty(response.statusCode) ? '' : body, 'utf8');
    mode = 'ignored';
  }

  function intercept(): void {
    Object.assign(response, {
      writeHead(status: number, ...rest: unknown[]) {
        if (mode !== 'held') {
          if (mode === 'open' || !response.headersSent) call(real.writeHead, status, ...rest);
          return response;
        }
        response.statusCode = status;
        const [first, second] = rest;
        if (typeof first === 'string') response.statusMessage = first;
        setAll(response, typeof first === 'string' ? second : first);
        return response;
      },
      write(...args: unknown[]) {
        if (mode === 'open') return call(real.write, ...args);
        if (mode === 'held' && !ended) hold(args[0], args[1]);
        const done = args.findLast((argument) => typeof argument === 'function');
        if (done) process.nextTick(done as () => void);
        return true;
      },
      end(...args: unknown[]) {
        const wasOpen = mode === 'open';
        if (mode === 'held' && !ended) {
          hold(args[0], args[1]);
          const done = args.findLast((argument) => typeof argument === 'function');
          if (done) response.once('finish', done as () => void);
          ended = true;
          if (tooLarge) call(real.end);
          resolve(reply());
        } else if (wasOpen) {
          call(real.end, ...args);
          if (tooLarge && !ended) {
            ended = true;
            resolve(reply());
          }
        }
        return response;
      },
      flushHeaders() {
        if (mode === 'open') call(real.flushHeaders);
      },
    });
  }

  function call(method: (...args: never[]) => unknown, ...args: unknown[]): unknown {
    return Reflect.apply(method, response, args);
  }

  return {
    handled,
    begin() {
      before = new Map(headersOf(response));
      intercept();
      mode = 'held';
    },
    release(headers) {
      if (tooLarge) return;
      for (const [name, value] of Object.entries(headers)) {
        if (!response.hasHeader(name)) response.setHeader(name, value);
      }
      send(Buffer.concat(chunks));
    },
    answer(status, headers, body) {
      if (tooLarge) return;
      if (mode === 'held') {
        for (const [name, value] of headersOf(response)) {
          if (before.get(name) !== value) response.removeHeader(name);
        }
      }
      if (!response.headersSent) {
        response.statusCode = status;
        setAll(response, headers);
      }
      send(body);
    },
    end() {
      if (mode === 'held') mode = 'open';
    },
  };
}

function headersOf(response: ServerResponse): [string, string][] {
  return Object.entries(response.getHeaders()).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(', ') : String(value),
  ]);
}

function setAll(response: ServerResponse, headers: unknown): void {
  if (headers === undefined || headers === null) return;
  if (!Array.isArray(headers)) {
    for (const [name, value] of Object.entries(headers as OutgoingHttpHeaders)) {
      if (value !== undefined) response.setHeader(name, value);
    }
    return;
  }
  const pairs: [string, string][] = Array.isArray(headers[0])
    ? (headers as [string, string][])
    : (headers as string[]).flatMap((name, index) =>
        index % 2 === 0 ? [[name, String(headers[index + 1])] as [string, string]] : [],
      );
  for (const [name, value] of pairs) response.appendHeader(name, value);
}

function bytesOf(chunk: unknown, encoding: unknown): Uint8Array {
  if (typeof chunk !== 'string') return Uint8Array.from(chunk as Uint8Array);
  return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8');
}

function isEmpty(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}
