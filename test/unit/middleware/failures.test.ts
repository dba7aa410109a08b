import { afterEach, describe, expect, it } from 'vitest';
import { embeddedStore } from '../../../functions/src/adapters/embedded/store.ts';
import { systemClock } from '../../../functions/src/adapters/system/clock.ts';
import { idempotency } from '../../../functions/src/middleware/express.ts';
import { NotDone, StoreAway, TerminalError } from '../../../functions/src/operation/errors.ts';
import { FRAMEWORKS, serveRoute } from './servers.ts';
import type { Handler, HandlerReply, RouteOptions, Served } from './servers.ts';

const open: Served[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((served) => served.close()));
});

/** A handler that answers these in turn, and counts its runs. */
function answering(...replies: readonly (HandlerReply | Error)[]) {
  const runs: (HandlerReply | Error)[] = [];
  const handler: Handler = () => {
    const reply = replies[Math.min(runs.length, replies.length - 1)]!;
    runs.push(reply);
    if (reply instanceof Error) throw reply;
    return reply;
  };
  return { runs, handler };
}

const DONE: HandlerReply = { status: 201, body: 'done' };

describe.each(FRAMEWORKS)('on %s', (framework) => {
  async function serve(handler: Handler, options: RouteOptions): Promise<Served> {
    const served = await serveRoute(framework, handler, options);
    open.push(served);
    return served;
  }

  it.each([400, 404, 409, 422])('gives a %d of the handler again', async (status) => {
    const { runs, handler } = answering({ status, body: 'no' }, DONE);
    const { post } = await serve(handler, { effect: 'once' });
    expect(await post('/charges')).toMatchObject({ status, body: 'no' });
    const again = await post('/charges');
    expect(again).toMatchObject({ status, body: 'no' });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(runs).toHaveLength(1);
  });

  it('gives a 5xx to its caller, and runs an idempotent handler again', async () => {
    const { runs, handler } = answering({ status: 502, body: 'bad gateway' }, DONE);
    const { post } = await serve(handler, { effect: 'idempotent', waitMs: 5_000 });
    const first = await post('/charges');
    expect(first).toMatchObject({ status: 502, body: 'bad gateway' });
    expect(Number(first.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await post('/charges')).toMatchObject({ status: 201, body: 'done' });
    expect(runs).toHaveLength(2);
  });

  it('parks a handler that must run once in doubt after a 5xx', async () => {
    const { runs, handler } = answering({ status: 500, body: 'socket hang up' }, DONE);
    const { post, store } = await serve(handler, { effect: 'once' });
    expect(await post('/charges')).toMatchObject({ status: 500, body: 'socket hang up' });
    const again = await post('/charges');
    expect(again.status).toBe(409);
    const problem = JSON.parse(again.body) as { code: string; retryable: boolean; token: string };
    expect(problem).toMatchObject({ code: 'in_doubt', retryable: false });
    expect(runs).toHaveLength(1);
    const found = await store.get('shop' as never, problem.token as never);
    expect(found?.record.status).toBe('in_doubt');
  });

  it('runs it again where the handler says that nothing was done', async () => {
    let runs = 0;
    const handler: Handler = ({ idempotency: given }) => {
      runs += 1;
      if (runs > 1) return DONE;
      given?.notDone();
      return { status: 503 };
    };
    const { post } = await serve(handler, { effect: 'once', waitMs: 5_000 });
    expect((await post('/charges')).status).toBe(503);
    expect(await post('/charges')).toMatchObject({ status: 201, body: 'done' });
    expect(runs).toBe(2);
  });

  it('runs it again after a 429, no sooner than its Retry-After', async () => {
    const { runs, handler } = answering(
      { status: 429, headers: { 'Retry-After': '1' } },
      { status: 201 },
    );
    const { post } = await serve(handler, { effect: 'once', waitMs: 5_000 });
    const began = performance.now();
    expect((await post('/charges')).status).toBe(429);
    expect((await post('/charges')).status).toBe(201);
    expect(performance.now() - began).toBeGreaterThan(950);
    expect(runs).toHaveLength(2);
  });

  it('leaves a handler that throws to the error handling of the app, and runs it again', async () => {
    const { runs, handler } = answering(new Error('out of paper'), DONE);
    const { post } = await serve(handler, { effect: 'idempotent', waitMs: 5_000 });
    expect(await post('/charges')).toMatchObject({ status: 500, body: 'failed: out of paper' });
    expect(await post('/charges')).toMatchObject({ status: 201, body: 'done' });
    expect(runs).toHaveLength(2);
  });

  it('says that it failed for good once the attempts are used up', async () => {
    const { runs, handler } = answering({ status: 500 });
    const { post } = await serve(handler, { effect: 'pure', maxAttempts: 2, waitMs: 5_000 });
    await post('/charges');
    await post('/charges');
    const third = await post('/charges');
    expect(third.status).toBe(500);
    expect(JSON.parse(third.body)).toMatchObject({ code: 'failed', retryable: false });
    expect(runs).toHaveLength(2);
  });

  it('answers 503 for a handler that runs over its time, whose late reply goes nowhere', async () => {
    const { promise: late, resolve: end } = Promise.withResolvers<void>();
    const handler: Handler = async () => {
      await late;
      return { status: 201, headers: { 'X-Late': 'yes' }, body: 'late' };
    };
    const { post } = await serve(handler, { effect: 'idempotent', timeoutMs: 100 });
    const answer = await post('/charges');
    end();
    expect(answer.status).toBe(503);
    expect(answer.headers.get('x-late')).toBeNull();
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'unavailable', retryable: true });
  });

  it('runs nothing while the store is away', async () => {
    const store = embeddedStore(':memory:', systemClock);
    const { runs, handler } = answering(DONE);
    const away = {
      ...store,
      claim: () => Promise.reject(new StoreAway('The store can’t be reached.')),
    };
    const { post } = await serve(handler, { effect: 'idempotent', store: away });
    const answer = await post('/charges');
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'store_away', retryable: true });
    expect(runs).toHaveLength(0);
    await store.close();
  });

  it('does not give a reply whose claim was taken meanwhile', async () => {
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    const { promise: begun, resolve: begin } = Promise.withResolvers<string>();
    const handler: Handler = async ({ idempotency: given }) => {
      begin(given!.token);
      await over;
      return DONE;
    };
    const { post, store } = await serve(handler, { effect: 'idempotent' });
    const asked = post('/charges');
    await store.override('shop' as never, (await begun) as never, {
      override: { verb: 'force_release' },
      actor: 'ann',
      reason: 'stuck',
    });
    end();
    const answer = await asked;
    expect(answer.status).toBe(409);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'claim_lost' });
  });

  it('tells the handler what to pass on, the same on every attempt', async () => {
    const told: unknown[] = [];
    const handler: Handler = ({ idempotency: given }) => {
      const { key, idempotencyKey, trackingId, attempt } = given!;
      told.push({ key, idempotencyKey, trackingId, attempt });
      return { status: told.length === 1 ? 500 : 201 };
    };
    const { post } = await serve(handler, { effect: 'idempotent', waitMs: 5_000 });
    await post('/charges');
    await post('/charges');
    const [first] = told as [{ idempotencyKey: string }];
    expect(first.idempotencyKey).toMatch(/^[\w-]{43}$/);
    const same = { key: 'order-17', idempotencyKey: first.idempotencyKey };
    expect(told).toEqual([
      { ...same, trackingId: first.idempotencyKey, attempt: 1 },
      { ...same, trackingId: first.idempotencyKey, attempt: 2 },
    ]);
  });
});

it('finds options that can’t be used when the server starts', () => {
  const wrong = { namespace: 'Shop!', action: 'Charge', effect: 'maybe' as 'once' };
  const store = embeddedStore(':memory:', systemClock);
  expect(() => idempotency({ ...wrong, store, caller: () => 'ann' })).toThrow(
    /namespace .*; action .*; effect /,
  );
});

it('takes the word of a handler on hono that throws what its failure means', async () => {
  const { runs, handler } = answering(
    new NotDone('card_offline', 'The terminal was never reached.'),
    DONE,
  );
  const served = await serveRoute('hono', handler, { effect: 'once', waitMs: 5_000 });
  open.push(served);
  expect(await served.post('/charges')).toMatchObject({ status: 500 });
  expect(await served.post('/charges')).toMatchObject({ status: 201, body: 'done' });
  expect(runs).toHaveLength(2);

  const doomed = answering(new TerminalError('no_such_card', 'The card is gone.'), DONE);
  const other = await serveRoute('hono', doomed.handler, { effect: 'idempotent' });
  open.push(other);
  expect(await other.post('/charges')).toMatchObject({ status: 500 });
  const again = await other.post('/charges');
  expect(again.headers.get('idempotency-replayed')).toBe('true');
  expect(JSON.parse(again.body)).toMatchObject({ code: 'failed', retryable: false });
  expect(doomed.runs).toHaveLength(1);
});
