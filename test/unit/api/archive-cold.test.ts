import { afterEach, describe, expect, it, test } from 'vitest';
import { embeddedDocuments } from '../../../functions/src/adapters/embedded/documents.ts';
import { embeddedStore } from '../../../functions/src/adapters/embedded/store.ts';
import { archiveShard } from '../../../functions/src/engine/archive-shard.ts';
import { warmCache } from '../../../functions/src/engine/warm-cache.ts';
import type { ColdStorage } from '../../../functions/src/ports/cold-storage.ts';
import { createTokenStore } from '../../../functions/src/store/token-store.ts';
import { memoryCold } from '../../support/cold-memory.ts';
import { countedDocuments } from '../../support/counted-documents.ts';
import { settableClock } from '../../support/settable-clock.ts';
import { serveApi } from './service.ts';
import type { ServedApi } from './service.ts';

const HOUR_MS = 3_600_000;
const open: ServedApi[] = [];

afterEach(() => Promise.all(open.splice(0).map((api) => api.close())));

/** The service with two operations, one done and one failed, both archived. */
async function archived() {
  const clock = settableClock();
  const { documents, calls } = countedDocuments(embeddedDocuments(':memory:', clock));
  const store = createTokenStore(documents, { shards: 1 });
  const storage = memoryCold(() => clock.now());
  let away = false;
  const cold: ColdStorage = {
    ...storage.cold,
    read: async (...asked) => {
      if (away) throw Object.assign(new Error('503 of agent-once-archive'), { code: 503 });
      return storage.cold.read(...asked);
    },
  };
  const serve = async () => {
    const runtime = { clock: { ...clock, after: () => () => {} }, cold };
    const shared = { ...store, close: async () => {} };
    const api = await serveApi({ store: shared, runtime: { ...runtime, cache: warmCache(clock) } });
    open.push(api);
    return api;
  };
  const api = await serve();
  for (const key of ['done', 'failed']) {
    const begun = await api.post('/v1/begin', { key, action: 'a.b', params: {} });
    expect(begun.status).toBe(201);
    const { handle } = begun.body as { handle: string };
    const settled =
      key === 'done'
        ? await api.post('/v1/complete', { handle, result: { charged: 1 } })
        : await api.post('/v1/fail', {
            handle,
            error: { code: 'declined', message: 'No cover.' },
            notDone: true,
          });
    expect(settled.status).toBe(200);
  }
  clock.advance(2 * HOUR_MS);
  const { runtime } = api;
  const options = { shard: 0, until: clock.now(), budgetMs: Infinity };
  expect(await archiveShard(runtime, storage.cold, options)).toMatchObject({ moved: 2 });
  storage.takeReads();
  // Another instance: the first one's cache holds what was hot.
  return { ...storage, calls, api: await serve(), goAway: () => (away = true) };
}

test('GetResult answers an archived operation with its result, by one range', async () => {
  const { api, takeReads } = await archived();
  const { status, body } = await api.get('/v1/result', { headers: { 'Idempotency-Key': 'done' } });
  expect(status).toBe(200);
  expect(body).toMatchObject({ state: 'completed', archived: true, result: { charged: 1 } });
  expect(body.expireAt).toBeUndefined();
  expect(takeReads()).toHaveLength(1);
  const failed = await api.get('/v1/result', { headers: { 'Idempotency-Key': 'failed' } });
  expect(failed.body).toMatchObject({
    state: 'failed',
    archived: true,
    error: { code: 'declined' },
  });
});

test.each([
  ['hot', 1, 0],
  ['archived', 1, 1],
])(
  'GetResult of a %s operation reads %d document and %d ranges',
  async (which, documents, ranges) => {
    const { api, calls, takeReads } = await archived();
    const asked = { key: 'hot', action: 'a.b', params: {}, result: 1 };
    expect((await api.post('/v1/record', asked)).status).toBeLessThan(300);
    const key = which === 'hot' ? 'hot' : 'done';
    const before = { ...calls };
    takeReads();
    const { body } = await api.get('/v1/result', { headers: { 'Idempotency-Key': key } });
    expect(body).toMatchObject({ state: 'completed' });
    expect(calls).toEqual({ ...before, reads: before.reads + documents });
    expect(takeReads()).toHaveLength(ranges);
  },
);

test('check and begin find it settled, with its result', async () => {
  const { api } = await archived();
  const asked = { key: 'done', action: 'a.b', params: {} };
  const checked = await api.post('/v1/check', asked);
  expect(checked.body).toMatchObject({
    state: 'completed',
    operation: { archived: true, result: { charged: 1 } },
  });
  const begun = await api.post('/v1/begin', asked);
  expect(begun.status).toBe(200);
  expect(begun.headers.get('Idempotency-Replayed')).toBe('true');
  expect(begun.body).toMatchObject({ state: 'completed', operation: { result: { charged: 1 } } });
});

test('the ledger lists it without reading cold storage', async () => {
  const { api, takeReads } = await archived();
  const { body } = await api.get('/v1/result', { headers: { 'Idempotency-Key': 'done' } });
  takeReads();
  const ledger = await api.get(`/v1/ledger/${body.token}`);
  expect(ledger.body.operations).toMatchObject([{ state: 'completed', archived: true }]);
  expect(takeReads()).toEqual([]);
});

test('what was deleted from cold storage is told as gone, and still is not run again', async () => {
  const { api, objects, cold } = await archived();
  for (const name of objects.keys()) await cold.delete(name);
  const begun = await api.post('/v1/begin', { key: 'done', action: 'a.b', params: {} });
  expect(begun.status).toBe(200);
  expect(begun.body).toMatchObject({
    state: 'completed',
    operation: { archived: true, resultGone: expect.stringContaining('has been deleted') },
  });
});

describe('while cold storage is away', () => {
  const DONE = { key: 'done', action: 'a.b', params: {} };
  const operations = [DONE, ...['n1', 'n2'].map((key) => ({ ...DONE, key }))];

  it.each([
    ['/v1/begin', (api: ServedApi) => api.post('/v1/begin', DONE)],
    ['/v1/check', (api: ServedApi) => api.post('/v1/check', DONE)],
    ['/v1/record', (api: ServedApi) => api.post('/v1/record', { ...DONE, result: 1 })],
    [
      '/v1/result',
      (api: ServedApi) => api.get('/v1/result', { headers: { 'Idempotency-Key': 'done' } }),
    ],
  ])('%s answers of an archived operation that it is to be asked again', async (_, ask) => {
    const { api, goAway } = await archived();
    goAway();
    const { status, headers, body } = await ask(api);
    expect(status).toBe(503);
    expect(headers.get('retry-after')).toBe('1');
    expect(body).toMatchObject({ code: 'store_away', retryable: true });
    expect(JSON.stringify(body)).not.toContain('agent-once-archive');
  });

  it('a batch tells of an archived operation by itself, and hands over the claims of the others', async () => {
    const { api, goAway } = await archived();
    goAway();
    const { status, body } = await api.post('/v1/begin-batch', { operations });
    expect(status).toBe(200);
    const [done, ...others] = body.answers;
    expect(done).toMatchObject({ status: 503, problem: { code: 'store_away' } });
    for (const { answer } of others) {
      const completed = await api.post('/v1/complete', { handle: answer.handle, result: 1 });
      expect(completed.body).toMatchObject({ state: 'completed' });
    }
    const checked = await api.post('/v1/check-batch', { operations });
    expect(checked.body.answers).toMatchObject([
      { status: 503, problem: { code: 'store_away' } },
      { status: 200, answer: { state: 'completed' } },
      { status: 200, answer: { state: 'completed' } },
    ]);
  });
});

test('an item of a batch that fails unforeseen takes nothing from the others', async () => {
  const store = embeddedStore(':memory:', settableClock());
  const api = await serveApi({
    store: {
      ...store,
      async claim(request) {
        if (request.facts.action === 'bad.one') throw new TypeError('unforeseen');
        return store.claim(request);
      },
    },
  });
  open.push(api);
  const operations = ['bad.one', 'a.b'].map((action) => ({ key: action, action, params: {} }));
  const { status, body } = await api.post('/v1/begin-batch', { operations });
  expect(status).toBe(200);
  expect(body.answers).toMatchObject([
    { status: 500, problem: { code: 'internal' } },
    { status: 201, answer: { state: 'claimed', handle: expect.any(String) } },
  ]);
});
