import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server as TcpServer, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { embeddedStore } from '../../functions/src/adapters/embedded/store.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import type { TaskOutcome } from '../../functions/src/engine/outcome.ts';
import { runTask } from '../../functions/src/engine/run-task.ts';
import { registerSteps } from '../../functions/src/engine/register-steps.ts';
import type { StepContext } from '../../functions/src/engine/step.ts';
import { LeaseLost, NotDone } from '../../functions/src/operation/errors.ts';
import { httpRequestStep } from '../../functions/src/steps/http-request.ts';
import type { HttpRequestOptions } from '../../functions/src/steps/http-request.ts';
import type { HttpRequestParams } from '../../functions/src/steps/http-params.ts';
import type { Token } from '../../functions/src/token/token.ts';
import { deliver, engineRuntime } from '../support/engine-runtime.ts';

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

const servers: (Server | TcpServer)[] = [];
const sockets = new Set<Socket>();

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await Promise.all(servers.splice(0).map((server) => once(server.close(), 'close')));
});

async function listen(server: Server | TcpServer): Promise<string> {
  servers.push(server);
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Endpoint {
  readonly origin: string;
  readonly requests: IncomingMessage[];
}

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown;

async function endpoint(answer: Answer): Promise<Endpoint> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    void answer(request, response);
  });
  return { origin: await listen(server), requests };
}

/** An origin where nothing listens. */
async function nowhere(): Promise<string> {
  const server = createTcpServer();
  const origin = await listen(server);
  await once(server.close(), 'close');
  servers.splice(servers.indexOf(server), 1);
  return origin;
}

type Calls = Omit<HttpRequestOptions & { effect: 'idempotent' | 'once' | 'pure' }, 'action'>;

function stepFor(origin: string, options: Partial<Calls> = {}) {
  return httpRequestStep({
    action: 'agents.call',
    effect: 'idempotent',
    origins: [origin],
    ...options,
  });
}

interface Called {
  readonly context: StepContext<HttpRequestParams>;
  readonly started: string[];
  readonly controller: AbortController;
}

function contextFor(params: object): Called {
  const controller = new AbortController();
  const started: string[] = [];
  const context: StepContext<HttpRequestParams> = {
    params: { method: 'POST', ...params } as HttpRequestParams,
    token: 't1' as Token,
    idempotencyKey: 'key-1',
    attempt: 1,
    traceparent: TRACE,
    signal: controller.signal,
    start: async (trackingId = 'key-1') => {
      started.push(trackingId);
      return trackingId;
    },
    log: () => {},
  };
  return { context, started, controller };
}

const call = (origin: string, params: object = {}, options: Partial<Calls> = {}) =>
  Promise.resolve(
    stepFor(origin, options).run(contextFor({ url: `${origin}/tasks`, ...params }).context),
  );

const failed = async (calling: Promise<unknown>): Promise<unknown> =>
  calling.then(
    (result) => expect.fail(`It answered ${JSON.stringify(result)}.`),
    (error: unknown) => error,
  );

describe('a request', () => {
  it('carries its key, its trace, its headers and its body as JSON', async () => {
    let body = '';
    const { origin, requests } = await endpoint(async (request, response) => {
      body = await text(request);
      response.end();
    });
    const params = { url: `${origin}/a/b?c=d#e`, headers: { 'X-Team': 'red' }, body: { n: [1] } };
    await call(origin, params, { headers: async () => ({ Authorization: 'Bearer secret' }) });
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({ method: 'POST', url: '/a/b?c=d' });
    expect(requests[0]?.headers).toMatchObject({
      host: new URL(origin).host,
      'idempotency-key': 'key-1',
      traceparent: TRACE,
      'x-team': 'red',
      authorization: 'Bearer secret',
      'content-type': 'application/json',
      'content-length': '9',
    });
    expect(body).toBe('{"n":[1]}');
  });

  it('sends a text as it is, and no body where there is none', async () => {
    const seen: unknown[] = [];
    const { origin } = await endpoint(async (request, response) => {
      seen.push([request.method, request.headers['content-type'], await text(request)]);
      response.end();
    });
    await call(origin, { body: 'grüezi', headers: { 'content-type': 'text/markdown' } });
    await call(origin, { method: 'GET' });
    expect(seen).toEqual([
      ['POST', 'text/markdown', 'grüezi'],
      ['GET', undefined, ''],
    ]);
  });

  it('uses a connection of its own each time', async () => {
    const ports = new Set<number | undefined>();
    const { origin } = await endpoint(({ socket }, response) => {
      ports.add(socket.remotePort);
      response.end();
    });
    await call(origin);
    await call(origin);
    expect(ports.size).toBe(2);
  });
});

describe('2xx is the result', () => {
  it.each<[string, number, string, string | Buffer, unknown]>([
    ['JSON', 201, 'application/json; charset=utf-8', '{"id":7}', { id: 7 }],
    ['JSON of a kind', 200, 'application/vnd.agent+json', '[1]', [1]],
    ['what only claims to be JSON', 200, 'application/json', '{"id":', '{"id":'],
    ['text', 200, 'text/plain', 'done', 'done'],
    ['bytes', 200, 'image/png', Buffer.from([0xff, 0x00]), new Uint8Array([0xff, 0x00])],
    ['nothing', 204, 'application/json', '', null],
  ])('with a body of %s', async (_what, status, contentType, sent, body) => {
    const { origin } = await endpoint((_request, response) => {
      response.writeHead(status, { 'content-type': contentType, 'x-secret': 's', etag: '"1"' });
      response.end(sent);
    });
    expect(await call(origin)).toEqual({
      status,
      headers: { 'content-type': contentType, etag: '"1"' },
      body,
    });
  });

  it('also where its body is too large to keep, which is left out', async () => {
    const { origin } = await endpoint((_request, response) => response.end('x'.repeat(1_001)));
    const limited = { maxResponseBytes: 1_000 };
    expect(await call(origin, {}, limited)).toMatchObject({
      status: 200,
      body: null,
      bodyOmitted: true,
    });
    const { origin: smaller } = await endpoint((_request, response) =>
      response.end('x'.repeat(1_000)),
    );
    expect(await call(smaller, {}, limited)).toMatchObject({ body: 'x'.repeat(1_000) });
  });
});

const DATE = 'Sat, 31 Jan 2026 12:00:00 GMT';

describe('an answer', () => {
  it.each<[string, number, Record<string, string>, object]>([
    ['429', 429, {}, { name: 'NotDone', final: false, retryAfterMs: undefined }],
    ['429 for seconds', 429, { 'retry-after': '7' }, { name: 'NotDone', retryAfterMs: 7_000 }],
    [
      '429 until a time of the same clock',
      429,
      { 'retry-after': 'Sat, 31 Jan 2026 12:02:30 GMT', date: DATE },
      { name: 'NotDone', final: false, retryAfterMs: 150_000 },
    ],
    [
      '429 until a time that is over',
      429,
      { 'retry-after': 'Sat, 31 Jan 2026 11:00:00 GMT', date: DATE },
      { name: 'NotDone', retryAfterMs: 0 },
    ],
    ['429 until who knows', 429, { 'retry-after': 'soon' }, { retryAfterMs: undefined }],
    ['400', 400, {}, { name: 'NotDone', final: true, code: 'http_400' }],
    ['404', 404, {}, { name: 'NotDone', final: true }],
    ['409', 409, {}, { name: 'NotDone', final: true }],
    ['409 for now', 409, { 'retry-after': '1' }, { name: 'RetryableError', retryAfterMs: 1_000 }],
    ['500', 500, {}, { name: 'RetryableError', code: 'http_500' }],
    ['503 for now', 503, { 'retry-after': '2' }, { name: 'RetryableError', retryAfterMs: 2_000 }],
    ['303', 303, { location: '/done' }, { name: 'TerminalError' }],
    ['308', 308, { location: '/moved' }, { name: 'NotDone', final: true }],
  ])('of %s says what is known of the effect', async (_what, status, headers, error) => {
    const { origin, requests } = await endpoint((_request, response) => {
      response.sendDate = false;
      response.writeHead(status, headers);
      response.end('why it is so');
    });
    expect(await failed(call(origin))).toMatchObject({
      ...error,
      message: `POST ${origin}/tasks was answered ${status}: why it is so`,
    });
    expect(requests).toHaveLength(1);
  });
});

describe('without an answer', () => {
  it('leaves nothing done where nothing listens', async () => {
    const origin = await nowhere();
    const error = await failed(call(origin));
    expect(error).toBeInstanceOf(NotDone);
    expect(error).toMatchObject({ code: 'endpoint_unreachable', final: false });
    expect((error as Error).message).toContain('ECONNREFUSED');
  });

  it('leaves nothing done where the host has no address', async () => {
    const error = await failed(call('http://nobody.invalid'));
    expect(error).toBeInstanceOf(NotDone);
  });

  it('leaves nothing done where TLS can not be agreed on', async () => {
    const { origin, requests } = await endpoint((_request, response) => response.end());
    const error = await failed(call(origin.replace('http:', 'https:')));
    expect(error).toBeInstanceOf(NotDone);
    expect(requests).toEqual([]);
  });

  it.each<[string, (socket: Socket) => void]>([
    ['at once', (socket) => socket.resetAndDestroy()],
    ['by closing', (socket) => socket.end()],
    ['within the head', (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-')],
    [
      'within the body',
      (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf'),
    ],
    ['by nonsense', (socket) => socket.end('SSH-2.0-OpenSSH\r\n')],
  ])('nobody knows, where the connection ends %s', async (_how, end) => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => {}).once('data', () => end(socket));
    });
    const error = await failed(call(await listen(server)));
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(NotDone);
  });

  it('the request is broken off when the step is told to stop, and its reason is thrown', async () => {
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<IncomingMessage>();
    const { origin } = await endpoint((request) => arrive(request));
    const { context, controller } = contextFor({ url: `${origin}/tasks` });
    const failure = failed(Promise.resolve(stepFor(origin).run(context)));
    const request = await arrived;
    const closed = once(request.socket, 'close');
    const reason = new Error('time is up');
    controller.abort(reason);
    expect(await failure).toBe(reason);
    await closed;
  });
});

/** Like a lease's: from a point on it aborts as soon as it is looked at, and not before. */
function watchfulSignal(controller: AbortController, reason: Error): { wokeUp(): void } {
  const { signal } = controller;
  const plain = Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted');
  let late = false;
  const aborted = (): boolean => {
    if (late) controller.abort(reason);
    return plain?.get?.call(signal) === true;
  };
  Object.defineProperties(signal, {
    aborted: { get: aborted },
    throwIfAborted: {
      value: () => {
        if (aborted()) throw reason;
      },
    },
  });
  return {
    wokeUp() {
      late = true;
    },
  };
}

describe('before anything is sent', () => {
  it.each<['once' | 'idempotent', string[]]>([
    ['once', ['key-1']],
    ['idempotent', []],
  ])('a step that is %s records %j', async (effect, expected) => {
    const { origin } = await endpoint((_request, response) => response.end());
    const { context, started } = contextFor({ url: `${origin}/tasks` });
    await stepFor(origin, { effect }).run(context);
    expect(started).toEqual(expected);
  });

  it('nothing is recorded where there is no connection', async () => {
    const origin = await nowhere();
    const { context, started } = contextFor({ url: `${origin}/tasks` });
    await failed(Promise.resolve(stepFor(origin, { effect: 'once' }).run(context)));
    expect(started).toEqual([]);
  });

  it('a lease that ran out while it connected stops it, though no timer has told so yet', async () => {
    const { origin, requests } = await endpoint((_request, response) => response.end());
    const { context, controller } = contextFor({ url: `${origin}/tasks` });
    const lost = new LeaseLost('frozen for too long');
    const frozen = watchfulSignal(controller, lost);
    const start = async (): Promise<string> => {
      frozen.wokeUp();
      return 'key-1';
    };
    const step = stepFor(origin, { effect: 'once' });
    expect(await failed(Promise.resolve(step.run({ ...context, start })))).toBe(lost);
    expect(requests).toEqual([]);
  });

  it('a refused start stops it', async () => {
    const { origin, requests } = await endpoint((_request, response) => response.end());
    const { context } = contextFor({ url: `${origin}/tasks` });
    const lost = new LeaseLost('someone else has it');
    const refused = { ...context, start: () => Promise.reject(lost) };
    const step = stepFor(origin, { effect: 'once' });
    expect(await failed(Promise.resolve(step.run(refused)))).toBe(lost);
    expect(requests).toEqual([]);
  });
});

describe('params', () => {
  const { params } = stepFor('https://agents.example.com');
  const url = 'https://agents.example.com/tasks';

  it.each<[string, object, string]>([
    ['another host', { url: 'https://evil.example/' }, 'url'],
    ['another port', { url: 'https://agents.example.com:8443/' }, 'url'],
    ['another scheme', { url: 'http://agents.example.com/' }, 'url'],
    ['a host that only begins alike', { url: 'https://agents.example.com.evil.example/' }, 'url'],
    ['credentials', { url: 'https://user:pass@agents.example.com/' }, 'url'],
    ['a relative URL', { url: '/tasks' }, 'url'],
    ['a method of its own', { url, method: 'TRACE' }, 'method'],
    ['a key of its own', { url, headers: { 'Idempotency-Key': 'k' } }, 'headers'],
    ['a host of its own', { url, headers: { HOST: 'evil.example' } }, 'headers'],
    ['a header over two lines', { url, headers: { 'x-a': 'b\r\nx-c: d' } }, 'headers'],
    ['a body that JSON can not hold', { url, body: { at: new Date(0) } }, 'body'],
  ])('with %s are refused before anything is claimed', (_what, given, field) => {
    const { success, error } = params.safeParse(given);
    expect(success).toBe(false);
    expect(error?.issues.map(({ path }) => path[0])).toEqual([field]);
  });

  it('default to POST', () => {
    expect(params.parse({ url })).toEqual({ url, method: 'POST' });
  });
});

it.each([[[]], [['agents.example.com']], [['https://agents.example.com/']], [['ftp://a.b']]])(
  'no step is made for the origins %j',
  (origins) => {
    const define = () => httpRequestStep({ action: 'agents.call', effect: 'idempotent', origins });
    expect(define).toThrow(/origins: must be exact origins/);
  },
);

describe('run as a task', () => {
  async function outcomeOf(options: HttpRequestOptions, url: string): Promise<TaskOutcome> {
    const runtime = engineRuntime(embeddedStore(':memory:', systemClock));
    const step = httpRequestStep(options);
    const delivery = deliver({ action: options.action, params: { url } }, Date.now());
    return runTask(runtime, registerSteps([step]), delivery);
  }

  const failing = () => endpoint((_request, response) => response.writeHead(500).end());

  it.each<['pure' | 'idempotent' | 'once', string]>([
    ['pure', 'retryable_error'],
    ['idempotent', 'retryable_error'],
    ['once', 'in_doubt'],
  ])('a 500 to a request that is %s ends as %s', async (effect, kind) => {
    const { origin } = await failing();
    const options = { action: 'agents.call', effect, origins: [origin] };
    expect(await outcomeOf(options, `${origin}/tasks`)).toMatchObject({ kind });
  });

  it('a refused connection leaves no doubt, whatever the effect', async () => {
    const origin = await nowhere();
    const options = { action: 'agents.call', effect: 'once', origins: [origin] } as const;
    expect(await outcomeOf(options, `${origin}/tasks`)).toMatchObject({ kind: 'retryable_error' });
  });

  it('an answer that never comes is waited for no longer than the step may take', async () => {
    const { origin } = await endpoint(() => {});
    const options = { action: 'agents.call', effect: 'once', origins: [origin] } as const;
    expect(await outcomeOf({ ...options, timeoutMs: 1_000 }, `${origin}/tasks`)).toMatchObject({
      kind: 'in_doubt',
      error: { code: 'step_timeout' },
    });
  });
});

describe('reconciling by URL', () => {
  it.each<[number, object]>([
    [200, { state: 'committed', result: { status: 200, body: { id: 7 } } }],
    [404, { state: 'absent' }],
    [202, { state: 'committed' }],
    [429, { state: 'unknown' }],
    [500, { state: 'unknown' }],
    [302, { state: 'unknown' }],
  ])('%i means %j', async (status, reconciliation) => {
    const { origin, requests } = await endpoint((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end('{"id":7}');
    });
    const step = httpRequestStep({
      action: 'agents.call',
      effect: 'reconcilable',
      origins: [origin],
      reconcile: `${origin}/status/{trackingId}`,
      headers: async () => ({ authorization: 'Bearer secret' }),
    });
    const { context } = contextFor({ url: `${origin}/tasks` });
    expect(await step.reconcile?.({ ...context, trackingId: 'a/b' })).toMatchObject(reconciliation);
    expect(requests).toMatchObject([{ method: 'GET', url: '/status/a%2Fb' }]);
    expect(requests[0]?.headers).toMatchObject({ authorization: 'Bearer secret' });
    expect(step.settleMs).toBe(step.timeoutMs);
  });

  it('is refused at definition where its URL is of no allowed origin', () => {
    const define = () =>
      httpRequestStep({
        action: 'agents.call',
        effect: 'reconcilable',
        origins: ['https://agents.example.com'],
        reconcile: 'https://evil.example/{trackingId}',
      });
    expect(define).toThrow(/reconcile: .* is no URL of an allowed origin/);
  });
});
