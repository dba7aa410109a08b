import type { ServerResponse } from 'node:http';
import { headersOf, setHeaders } from './node-headers.ts';
import { headersToRecord } from './reply.ts';
import type { HandledReply } from './reply.ts';

type Headers = Readonly<Record<string, string>>;

/** The response's own ways of writing, or those of whoever stands in front. */
type Real = Pick<ServerResponse, 'writeHead' | 'write' | 'end' | 'flushHeaders'>;

/** `held`: kept back; `open`: out as it comes; `ignored`: answered already, so it goes nowhere. */
type Mode = 'open' | 'held' | 'ignored';

/**
 * Holds back what handlers write to a response of Node's own server, until it is known what may go out. A
 * body that is too large to keep goes out as it comes.
 */
export class CapturedReply {
  /** The handlers' reply, once they ended it. */
  readonly handled: Promise<HandledReply>;
  readonly #end: (reply: HandledReply) => void;
  readonly #response: ServerResponse;
  readonly #maxBytes: number;
  readonly #real: Real;
  #before: ReadonlyMap<string, string> = new Map();
  #chunks: Uint8Array[] = [];
  #length = 0;
  #mode: Mode = 'open';
  #ended = false;

  constructor(response: ServerResponse, maxBytes: number) {
    const { promise, resolve } = Promise.withResolvers<HandledReply>();
    this.handled = promise;
    this.#end = resolve;
    this.#response = response;
    this.#maxBytes = maxBytes;
    const { writeHead, write, end, flushHeaders } = response;
    this.#real = { writeHead, write, end, flushHeaders };
  }

  /** From here on writes are held back. */
  begin(): void {
    this.#before = new Map(headersOf(this.#response));
    this.#mode = 'held';
    Object.assign(this.#response, {
      writeHead: (...args: unknown[]) => this.#writeHead(args),
      write: (...args: unknown[]) => this.#write(args),
      end: (...args: unknown[]) => this.#finish(args),
      flushHeaders: () => {
        if (this.#mode === 'open') this.#call('flushHeaders', []);
      },
    });
  }

  /** Lets the handlers' reply out, with headers that they have not set. */
  release(headers: Headers): void {
    if (this.#isTooLarge()) return;
    for (const [name, value] of Object.entries(headers)) {
      if (!this.#response.hasHeader(name)) this.#response.setHeader(name, value);
    }
    this.#send(Buffer.concat(this.#chunks));
  }

  /** Answers instead of the handlers. What they still write goes nowhere. */
  answer(status: number, headers: Headers, body: string | Uint8Array): void {
    if (this.#isTooLarge()) return;
    const response = this.#response;
    if (this.#mode === 'held') {
      for (const [name, value] of headersOf(response)) {
        if (this.#before.get(name) !== value) response.removeHeader(name);
      }
    }
    response.statusCode = status;
    setHeaders(response, headers);
    this.#send(body);
  }

  /** Writes go out again as they come. */
  stop(): void {
    if (this.#mode === 'held') this.#mode = 'open';
  }

  #isTooLarge(): boolean {
    return this.#length > this.#maxBytes;
  }

  #writeHead(args: readonly unknown[]): ServerResponse {
    const response = this.#response;
    if (this.#mode !== 'held') {
      // Node writes its head through this, also while the answer itself is sent.
      if (!response.headersSent) this.#call('writeHead', args);
      return response;
    }
    const [status, ...rest] = args;
    response.statusCode = status as number;
    const message = typeof rest[0] === 'string' ? (rest.shift() as string) : undefined;
    if (message !== undefined) response.statusMessage = message;
    setHeaders(response, rest[0]);
    return response;
  }

  #write(args: readonly unknown[]): boolean {
    if (this.#mode === 'open') return this.#call('write', args) as boolean;
    if (this.#mode === 'held' && !this.#ended) this.#hold(args);
    const written = callbackIn(args);
    if (written) process.nextTick(written);
    return true;
  }

  #finish(args: readonly unknown[]): ServerResponse {
    if (this.#mode === 'ignored' || this.#ended) return this.#response;
    this.#ended = true;
    if (this.#mode === 'held') {
      this.#hold(args);
      const finished = callbackIn(args);
      if (finished) this.#response.once('finish', finished);
      if (this.#isTooLarge()) this.#call('end', []);
    } else {
      this.#call('end', args);
    }
    this.#end(this.#reply());
    return this.#response;
  }

  #hold([chunk, encoding]: readonly unknown[]): void {
    if (chunk === undefined || chunk === null || typeof chunk === 'function') return;
    const bytes = bytesOf(chunk, encoding);
    this.#chunks.push(bytes);
    this.#length += bytes.length;
    if (!this.#isTooLarge()) return;
    this.#mode = 'open';
    for (const held of this.#chunks.splice(0)) this.#call('write', [held]);
  }

  #reply(): HandledReply {
    const { statusCode: status } = this.#response;
    const headers = headersToRecord(headersOf(this.#response), this.#before);
    if (this.#isTooLarge()) return { status, headers };
    return { status, headers, body: Buffer.concat(this.#chunks) };
  }

  #send(body: string | Uint8Array): void {
    const response = this.#response;
    this.#ended = true;
    this.#mode = 'ignored';
    if (response.destroyed || response.headersSent) return;
    const empty = [204, 205, 304].includes(response.statusCode);
    if (!empty && !response.hasHeader('content-length')) {
      response.setHeader('content-length', Buffer.byteLength(body));
    }
    this.#call('end', empty ? [] : [body]);
  }

  #call(method: keyof Real, args: readonly unknown[]): unknown {
    return Reflect.apply(this.#real[method], this.#response, args);
  }
}

function callbackIn(args: readonly unknown[]): (() => void) | undefined {
  return args.findLast((each) => typeof each === 'function') as (() => void) | undefined;
}

function bytesOf(chunk: unknown, encoding: unknown): Uint8Array {
  if (typeof chunk !== 'string') return Uint8Array.from(chunk as Uint8Array);
  return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8');
}
