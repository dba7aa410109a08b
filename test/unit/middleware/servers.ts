import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import express from 'express';
import { Hono } from 'hono';
import { embeddedStore } from '../../../functions/src/adapters/embedded/store.ts';
import { systemClock } from '../../../functions/src/adapters/system/clock.ts';
import {
  idempotency as onExpress,
  idempotencyOf,
} from '../../../functions/src/middleware/express.ts';
import { idempotency as onHono } from '../../../functions/src/middleware/hono.ts';
import type { Idempotency, IdempotencyOptions } from '../../../functions/src/middleware/hono.ts';
import type { IdempotencyVariables } from '../../../functions/src/middleware/hono.ts';
import type { TokenStore } from '../../../functions/src/ports/token-store.ts';

export const FRAMEWORKS = ['hono', 'express'] as const;
export type Framework = (typeof FRAMEWORKS)[number];

/** What a route does, whatever the framework. */
export type Handler = (asked: {
  readonly body: string;
  readonly idempotency: Idempotency | undefined;
}) => Promise<HandlerReply> | HandlerReply;

export interface HandlerReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Several: written one after another. */
  readonly body?: string | Uint8Array | readonly string[];
}

export type RouteOptions = Partial<Omit<IdempotencyOptions<never>, 'effect' | 'caller'>> &
  Pick<IdempotencyOptions<never>, 'effect'>;

export interface Served {
  readonly url: string;
  readonly store: TokenStore;
  post(path: string, asked?: Asked): Promise<Answered>;
  close(): Promise<void>;
}

export interface Asked {
  /** `null`: none. */
  readonly key?: string | null;
  readonly caller?: string;
  readonly body?: string | Uint8Array;
  readonly type?: string;
  readonly method?: string;
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  readonly bytes: Uint8Array;
}

const SILENT = { decision() {}, event() {} };

/** A server with one guarded route, and one more action on another, on a free loopback port. */
export async function serveRoute(
  framework: Framework,
  handler: Handler,
  options: RouteOptions,
): Promise<Served> {
  const store = options.store ?? embeddedStore(':memory:', systemClock);
  const usable = {
    telemetry: SILENT,
    namespace: 'shop',
    action: 'payments.charge',
    ...options,
    store,
  } as IdempotencyOptions<never>;
  const server = createServer(listeners[framework](handler, usable));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    store,
    post: (path, asked) => send(`${url}${path}`, asked),
    async close() {
      server.closeAllConnections();
      await once(server.close(), 'close');
      if (!options.store) await store.close();
    },
  };
}

async function send(url: string, asked: Asked = {}): Promise<Answered> {
  const { key = 'order-17', caller = 'ann@shop', method = 'POST' } = asked;
  const { body = '{"cents":100}', type = 'application/json' } = asked;
  const response = await fetch(url, {
    method,
    headers: {
      ...(key !== null && { 'Idempotency-Key': key }),
      ...(caller !== '' && { 'X-Caller': caller }),
      ...(method !== 'GET' && { 'Content-Type': type }),
    },
    ...(method !== 'GET' && { body: typeof body === 'string' ? body : Uint8Array.from(body) }),
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const { status, headers } = response;
  return { status, headers, bytes, body: Buffer.from(bytes).toString() };
}

const listeners: Readonly<
  Record<Framework, (handler: Handler, options: IdempotencyOptions<never>) => RequestListener>
> = { hono: honoListener, express: expressListener };

let requests = 0;

function honoListener(handler: Handler, options: IdempotencyOptions<never>): RequestListener {
  const app = new Hono<{ Variables: IdempotencyVariables }>();
  app.use(async (c, next) => {
    c.header('X-Request-Id', String((requests += 1)));
    await next();
  });
  app.use('/:route', onHono({ ...options, caller: (c) => c.req.header('X-Caller') }));
  app.all('/:route', async (c) => {
    const idempotency = c.var.idempotency as Idempotency | undefined;
    const reply = await handler({ body: await c.req.text(), idempotency });
    const { status = 201, headers = {}, body = '' } = reply;
    const content = Array.isArray(body)
      ? ReadableStream.from(body.map((part: string) => Buffer.from(part)))
      : (body as string | Uint8Array<ArrayBuffer>);
    return new Response(status === 204 ? null : content, { status, headers });
  });
  app.onError((error, c) => c.text(`failed: ${error.message}`, 500));
  return (request, response) => void serveFetch(app.fetch, request, response);
}

async function serveFetch(
  answer: (request: Request) => Response | Promise<Response>,
  request: Parameters<RequestListener>[0],
  response: Parameters<RequestListener>[1],
): Promise<void> {
  const { method = 'GET', url = '/' } = request;
  const body = await buffer(request);
  const headers = new Headers(request.headers as Record<string, string>);
  const asked = new Request(`http://localhost${url}`, {
    method,
    headers,
    ...(method !== 'GET' && { body }),
  });
  const reply = await answer(asked);
  response.writeHead(reply.status, Object.fromEntries(reply.headers));
  for await (const chunk of reply.body ?? []) response.write(chunk);
  response.end();
}

function expressListener(handler: Handler, options: IdempotencyOptions<never>): RequestListener {
  const app = express();
  app.use((_request, response, next) => {
    response.set('X-Request-Id', String((requests += 1)));
    next();
  });
  app.use(express.json(), express.raw({ type: 'application/octet-stream' }));
  app.use(
    '/:route',
    onExpress({
      ...options,
      caller: (request) => request.headers['x-caller'] as string | undefined,
    }),
  );
  app.all('/:route', (request, response, next) => {
    const body = JSON.stringify(request.body);
    const reply = Promise.try(handler, { body, idempotency: idempotencyOf(request) });
    reply.then((given) => write(given, response)).catch(next);
  });
  const failed: express.ErrorRequestHandler = (error: Error, _request, response, _next) => {
    response.status(500).type('text').send(`failed: ${error.message}`);
  };
  app.use(failed);
  return app;
}

function write(reply: HandlerReply, response: express.Response): void {
  const { status = 201, headers = {}, body = '' } = reply;
  response.writeHead(status, headers);
  const parts = Array.isArray(body) ? body : [body as string | Uint8Array];
  for (const part of parts) response.write(part);
  response.end();
}
