import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineStep, NotDone, RetryableError } from '../../../functions/src/index.ts';
import { fetchOnce } from '../../../functions/src/middleware/fetch.ts';
import { aDelivery, aRuntime, aTask } from '../../../functions/src/testing/index.ts';
import { registerSteps, runTask, settableClock } from '../../../functions/src/testing/index.ts';

const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A service downstream that keeps what it is asked. */
async function downstream(answer: RequestListener = (_request, response) => response.end('ok')) {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { method = '', url: path = '', headers } = request;
      seen.push({ method, path, headers, body });
      answer(request, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, seen, keys: () => seen.map(({ headers }) => headers['idempotency-key']) };
}

async function refusing(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');
  return `http://127.0.0.1:${port}`;
}

const context = (idempotencyKey = 'step-1') => ({
  idempotencyKey,
  signal: new AbortController().signal,
});

const POST = { method: 'POST', body: '{}' };

describe('the key of a call', () => {
  it('is the same in each run of the step, and differs between two intended calls', async () => {
    const { url, keys } = await downstream();
    for (let run = 1; run <= 2; run += 1) {
      const call = fetchOnce(context());
      await call(`${url}/charges`, POST);
      await call(`${url}/charges`, POST);
      await call(`${url}/mails`, POST);
    }
    const [first, second, third, ...again] = keys();
    expect(new Set([first, second, third]).size).toBe(3);
    expect(again).toEqual([first, second, third]);
  });

  it('differs between two steps', async () => {
    const { url, keys } = await downstream();
    await fetchOnce(context('step-1'))(url, POST);
    await fetchOnce(context('step-2'))(url, POST);
    expect(new Set(keys()).size).toBe(2);
  });

  it('does not depend on the order of calls that are named', async () => {
    const { url, seen } = await downstream();
    const send = async (...names: string[]) => {
      const call = fetchOnce(context());
      for (const name of names) await call(url, { method: 'POST', body: name, call: name });
    };
    await send('ann', 'bob');
    await send('bob', 'ann');
    const keyOf = new Map<string, Set<unknown>>();
    for (const { body, headers } of seen) {
      keyOf.set(body, (keyOf.get(body) ?? new Set()).add(headers['idempotency-key']));
    }
    expect([...keyOf.values()].map((keys) => keys.size)).toEqual([1, 1]);
  });
});

it('sends method, headers, body and the trace, and gives the answer as fetch does', async () => {
  const { url, seen } = await downstream((_request, response) => {
    response.writeHead(404, { 'X-Kind': 'none' }).end('no such charge');
  });
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const call = fetchOnce({ ...context(), traceparent });
  const response = await call(`${url}/charges?dry=1`, {
    method: 'PUT',
    headers: { 'X-Tenant': 'shop' },
    body: new URLSearchParams({ cents: '100' }),
  });
  expect(response.status).toBe(404);
  expect(response.headers.get('x-kind')).toBe('none');
  expect(await response.text()).toBe('no such charge');
  expect(seen[0]).toMatchObject({
    method: 'PUT',
    path: '/charges?dry=1',
    body: 'cents=100',
    headers: {
      traceparent,
      'x-tenant': 'shop',
      'content-type': 'application/x-www-form-urlencoded;charset=UTF-8',
    },
  });
});

it('says that nothing was done where there is no connection', async () => {
  const call = fetchOnce(context());
  const failing = call(await refusing(), POST);
  await expect(failing).rejects.toThrow(NotDone);
  await expect(failing).rejects.toMatchObject({ code: 'endpoint_unreachable', final: false });
});

it('says that nothing was done for 429, and when to come back', async () => {
  const { url } = await downstream((_request, response) => {
    response.writeHead(429, { 'Retry-After': '7' }).end();
  });
  const failing = fetchOnce(context())(url, POST);
  await expect(failing).rejects.toThrow(NotDone);
  await expect(failing).rejects.toMatchObject({ code: 'http_429', retryAfterMs: 7_000 });
});

it('does not say so for the whole run where a call before may have changed something', async () => {
  const { url } = await downstream();
  const call = fetchOnce(context());
  await call(url, POST);
  await expect(call(await refusing(), POST)).rejects.toThrow(RetryableError);

  const reading = fetchOnce(context());
  await reading(url);
  await expect(reading(await refusing(), POST)).rejects.toThrow(NotDone);
});

it('has an earlier try that is still being carried out asked for again', async () => {
  const { url } = await downstream((_request, response) => {
    response.writeHead(409, { 'Retry-After': '2' }).end();
  });
  const failing = fetchOnce(context())(url, POST);
  await expect(failing).rejects.toThrow(RetryableError);
  await expect(failing).rejects.toMatchObject({ retryAfterMs: 2_000 });
});

it('sends nothing once the step may not send any more', async () => {
  const { url, seen } = await downstream();
  const controller = new AbortController();
  const call = fetchOnce({ idempotencyKey: 'step-1', signal: controller.signal });
  controller.abort(new Error('the lease is lost'));
  await expect(call(url, POST)).rejects.toThrow('the lease is lost');
  expect(seen).toEqual([]);
});

it('records the start of a step that must run once only when it is connected', async () => {
  const { url } = await downstream();
  const places: string[] = [];
  const beforeSending = async () => void places.push('started');
  const call = fetchOnce(context(), { beforeSending });
  await expect(call(await refusing(), POST)).rejects.toThrow(NotDone);
  expect(places).toEqual([]);
  await call(url, POST);
  expect(places).toEqual(['started']);
});

it('gives the status of an answer that is too large, whose body can’t be read', async () => {
  const { url } = await downstream((_request, response) => response.end('x'.repeat(2_000)));
  const response = await fetchOnce(context(), { maxResponseBytes: 1_000 })(url, POST);
  expect(response.status).toBe(200);
  await expect(response.text()).rejects.toThrow('larger than 1000 bytes');
});

it('has a step that was refused released, and sends the same key when it runs again', async () => {
  let busy = true;
  const { url, keys } = await downstream((_request, response) => {
    response.writeHead(busy ? 429 : 201, busy ? { 'Retry-After': '3' } : {}).end();
  });
  const clock = settableClock();
  const runtime = aRuntime({ clock });
  const charge = defineStep({
    action: 'payments.charge',
    effect: 'once',
    params: z.object({ cents: z.number() }),
    async run(step) {
      const call = fetchOnce(step, { beforeSending: () => step.start() });
      const { status } = await call(url, { method: 'POST', body: JSON.stringify(step.params) });
      return { status };
    },
  });
  const steps = registerSteps([charge]);
  const task = aTask(charge, { cents: 100 });
  const first = await runTask(runtime, steps, aDelivery(task));
  expect(first).toMatchObject({ kind: 'retryable_error', retryAfterMs: 3_000 });
  busy = false;
  await clock.advance(3_000);
  const second = await runTask(runtime, steps, aDelivery(task, { redelivery: true }));
  expect(second).toMatchObject({ kind: 'completed', result: { status: 201 } });
  expect(keys()).toHaveLength(2);
  expect(new Set(keys()).size).toBe(1);
});
