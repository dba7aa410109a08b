import { afterEach, expect, test } from 'vitest';
import { embeddedStore } from '../../../functions/src/adapters/embedded/store.ts';
import { archiveShard } from '../../../functions/src/engine/archive-shard.ts';
import { warmCache } from '../../../functions/src/engine/warm-cache.ts';
import { memoryCold } from '../../support/cold-memory.ts';
import { settableClock } from '../../support/settable-clock.ts';
import { serveApi } from './service.ts';
import type { ServedApi } from './service.ts';

const HOUR_MS = 3_600_000;
const open: ServedApi[] = [];

afterEach(() => Promise.all(open.splice(0).map((api) => api.close())));

/** The service with two operations, one done and one failed, both archived. */
async function archived() {
  const clock = settableClock();
  const store = embeddedStore(':memory:', clock, { shards: 1 });
  const storage = memoryCold(() => clock.now());
  const serve = async () => {
    const runtime = { clock: { ...clock, after: () => () => {} }, cold: storage.cold };
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
  return { ...storage, api: await serve() };
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
