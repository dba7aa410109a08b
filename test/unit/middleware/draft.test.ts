import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { embeddedStore } from '../../../functions/src/adapters/embedded/store.ts';
import { systemClock } from '../../../functions/src/adapters/system/clock.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';
import { FRAMEWORKS, serveRoute } from './servers.ts';
import type { Handler, RouteOptions, Served } from './servers.ts';

const open: Served[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((served) => served.close()));
});

/** A provider that counts what it is made to do, and the replies that name the effects. */
function charging(delayed: Promise<void> = Promise.resolve()) {
  const effects: string[] = [];
  const handler: Handler = async ({ body }) => {
    effects.push(body);
    await delayed;
    return {
      status: 201,
      headers: { 'Content-Type': 'application/json', Location: `/charges/c${effects.length}` },
      body: `{"charge":"c${effects.length}"}`,
    };
  };
  return { effects, handler };
}

describe.each(FRAMEWORKS)('on %s', (framework) => {
  async function serve(handler: Handler, options: RouteOptions): Promise<Served> {
    const served = await serveRoute(framework, handler, options);
    open.push(served);
    return served;
  }

  it('gives status, headers and body again, and says that it does', async () => {
    const { effects, handler } = charging();
    const { post } = await serve(handler, { effect: 'once' });
    const first = await post('/charges');
    const again = await post('/charges');
    expect(effects).toHaveLength(1);
    expect(first).toMatchObject({ status: 201, body: '{"charge":"c1"}' });
    expect(again).toMatchObject({ status: 201, body: '{"charge":"c1"}' });
    expect(again.headers.get('location')).toBe('/charges/c1');
    expect(again.headers.get('content-type')).toBe('application/json');
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    expect(again.headers.get('idempotency-replayed')).toBe('true');
  });

  it('gives no cookie again, nor a header that was set in front of it', async () => {
    const handler: Handler = () => ({ headers: { 'Set-Cookie': 'session=1', 'X-Kept': 'yes' } });
    const { post } = await serve(handler, { effect: 'idempotent' });
    const first = await post('/charges');
    const again = await post('/charges');
    expect(first.headers.get('set-cookie')).toBe('session=1');
    expect(again.headers.get('set-cookie')).toBeNull();
    expect(again.headers.get('x-kept')).toBe('yes');
    expect(again.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'));
  });

  it.each([
    ['bytes that are no text', Uint8Array.from([0, 255, 128, 10, 13, 0])],
    ['a body that comes in parts', ['one ', 'two ', 'three']],
    ['nothing', ''],
  ])('gives %s again as it was', async (_what, body) => {
    const { post } = await serve(() => ({ status: 200, body }), { effect: 'idempotent' });
    const first = await post('/charges');
    const again = await post('/charges');
    const expected = Array.isArray(body) ? body.join('') : body;
    expect(Buffer.from(first.bytes)).toEqual(Buffer.from(expected as string));
    expect(again.bytes).toEqual(first.bytes);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
  });

  it('gives an answer without content again', async () => {
    const { post } = await serve(() => ({ status: 204 }), { effect: 'idempotent' });
    expect((await post('/charges')).status).toBe(204);
    expect(await post('/charges')).toMatchObject({ status: 204, body: '' });
  });

  it('runs the handler once for twenty equal requests at a time, which all get its reply', async () => {
    const { effects, handler } = charging();
    const { post } = await serve(handler, { effect: 'once', waitMs: 10_000 });
    const answers = await Promise.all(Array.from({ length: 20 }, () => post('/charges')));
    expect(effects).toHaveLength(1);
    expect(new Set(answers.map(({ status, body }) => `${status} ${body}`))).toEqual(
      new Set(['201 {"charge":"c1"}']),
    );
    const replayed = answers.filter(({ headers }) => headers.has('idempotency-replayed'));
    expect(replayed).toHaveLength(19);
  });

  it('answers 409 with Retry-After while the request is being carried out', async () => {
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const handler: Handler = async () => {
      begin();
      await over;
      return { status: 201 };
    };
    const { post } = await serve(handler, { effect: 'once' });
    const first = post('/charges');
    await begun;
    const second = await post('/charges');
    end();
    expect(second.status).toBe(409);
    expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(second.headers.get('content-type')).toBe('application/problem+json');
    expect(JSON.parse(second.body)).toMatchObject({ code: 'in_flight', retryable: true });
    expect((await first).status).toBe(201);
  });

  it('answers 400 where the key is missing, empty or no key', async () => {
    const { effects, handler } = charging();
    const { post } = await serve(handler, { effect: 'idempotent' });
    expect(await post('/charges', { key: null })).toMatchObject({ status: 400 });
    const codes: string[] = [];
    for (const key of ['""', '"never closed', 'x'.repeat(513)]) {
      const { status, body } = await post('/charges', { key });
      expect(status).toBe(400);
      codes.push((JSON.parse(body) as { code: string }).code);
    }
    expect(codes).toEqual(['invalid', 'invalid', 'invalid']);
    expect(effects).toEqual([]);
  });

  it('takes a key in quotes for the same as a bare one', async () => {
    const { effects, handler } = charging();
    const { post } = await serve(handler, { effect: 'idempotent' });
    await post('/charges', { key: 'order-17' });
    const again = await post('/charges', { key: '"order-17"' });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(effects).toHaveLength(1);
  });

  it.each([
    ['body', '/charges', { body: '{"cents":101}' }],
    ['query', '/charges?dry=1', {}],
    ['path', '/refunds', {}],
    ['method', '/charges', { method: 'PUT' }],
  ])('answers 422 where the key comes with another %s', async (_part, path, asked) => {
    const { effects, handler } = charging();
    const { post } = await serve(handler, { effect: 'idempotent' });
    await post('/charges');
    const { status, body } = await post(path, asked);
    expect(status).toBe(422);
    expect(JSON.parse(body)).toMatchObject({ code: 'mismatch', retryable: false });
    expect(effects).toHaveLength(1);
  });

  it("takes another caller's same key for another operation", async () => {
    const { effects, handler } = charging();
    const { post } = await serve(handler, { effect: 'once' });
    await post('/charges', { caller: 'ann@shop' });
    const other = await post('/charges', { caller: 'bob@shop', body: '{"cents":5}' });
    expect(other).toMatchObject({ status: 201, body: '{"charge":"c2"}' });
    expect(other.headers.get('idempotency-replayed')).toBeNull();
    expect(effects).toHaveLength(2);
  });

  it('answers 401 to a request without a caller', async () => {
    const { effects, handler } = charging();
    const { post } = await serve(handler, { effect: 'once' });
    expect((await post('/charges', { caller: '' })).status).toBe(401);
    expect(effects).toEqual([]);
  });

  it('lets a request without a key through where keys are optional', async () => {
    const { effects, handler } = charging();
    const { post } = await serve(handler, { effect: 'once', key: 'optional' });
    await post('/charges', { key: null });
    await post('/charges', { key: null });
    expect(effects).toHaveLength(2);
  });

  it('leaves reading requests alone', async () => {
    const { effects, handler } = charging();
    const { post } = await serve(handler, { effect: 'once' });
    await post('/charges', { method: 'GET' });
    expect((await post('/charges', { method: 'GET' })).status).toBe(201);
    expect(effects).toHaveLength(2);
  });

  it('gives the reply again after a restart', async () => {
    const file = join(await scratchFolder(), 'operations.db');
    const { effects, handler } = charging();
    for (const restart of [false, true]) {
      const store = embeddedStore(file, systemClock);
      const served = await serveRoute(framework, handler, { effect: 'once', store });
      const answer = await served.post('/charges');
      expect(answer).toMatchObject({ status: 201, body: '{"charge":"c1"}' });
      expect(answer.headers.has('idempotency-replayed')).toBe(restart);
      await served.close();
      await store.close();
    }
    expect(effects).toHaveLength(1);
  });

  it('runs the handler once for requests to two servers at a time', async () => {
    const file = join(await scratchFolder(), 'operations.db');
    const { effects, handler } = charging();
    const stores = [embeddedStore(file, systemClock), embeddedStore(file, systemClock)];
    const servers = await Promise.all(
      stores.map((store) => serve(handler, { effect: 'once', store, waitMs: 10_000 })),
    );
    const asked = Array.from({ length: 20 }, (_, index) => servers[index % 2]!.post('/charges'));
    const answers = await Promise.all(asked);
    expect(effects).toHaveLength(1);
    expect(new Set(answers.map(({ status, body }) => `${status} ${body}`))).toEqual(
      new Set(['201 {"charge":"c1"}']),
    );
    await Promise.all(stores.map((store) => store.close()));
  });

  it('lets a body through that is too large to keep, and says so afterwards', async () => {
    const parts = Array.from({ length: 8 }, (_, part) => String(part).repeat(1_000));
    const { post } = await serve(() => ({ status: 200, body: parts }), {
      effect: 'once',
      maxReplyBytes: 4_000,
    });
    const first = await post('/charges');
    expect(first).toMatchObject({ status: 200, body: parts.join('') });
    const again = await post('/charges');
    expect(again.status).toBe(410);
    expect(JSON.parse(again.body)).toMatchObject({ code: 'reply_gone', retryable: false });
  });

  it('keeps a body of a megabyte beside the record', async () => {
    const blobs = new Map<string, Uint8Array>();
    const body = 'x'.repeat(1_048_576);
    const { post } = await serve(() => ({ body }), {
      effect: 'once',
      blobs: {
        put: async (name, bytes) => void blobs.set(name, bytes),
        get: async (name) => blobs.get(name),
        delete: async (name) => void blobs.delete(name),
        deleteUnder: async () => blobs.clear(),
      },
    });
    await post('/charges');
    const again = await post('/charges');
    expect(again.body === body).toBe(true);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(blobs.size).toBe(1);
  });
});

it('refuses, on express, a body that no parser has read', async () => {
  const { effects, handler } = charging();
  const served = await serveRoute('express', handler, { effect: 'idempotent' });
  open.push(served);
  const answer = await served.post('/charges', { body: 'cents=100', type: 'text/plain' });
  expect(answer.status).toBe(415);
  expect(effects).toEqual([]);
});
