import { afterEach, beforeEach, expect, it } from 'vitest';
import { embeddedStore } from '../../../functions/src/adapters/embedded/store.ts';
import { settableClock } from '../../support/settable-clock.ts';
import { serveApi } from './service.ts';
import type { ServedApi } from './service.ts';

const LEASE_MS = 1_000;

let clock: ReturnType<typeof settableClock>;
let api: ServedApi;

beforeEach(async () => {
  clock = settableClock();
  const store = embeddedStore(':memory:', clock, { shards: 1 });
  api = await serveApi({ store, runtime: { clock: { ...clock, after: () => () => {} } } });
});

afterEach(() => api.close());

async function begin(effect: string, more: object = {}) {
  const asked = { key: 'k', action: 'a.b', params: {}, leaseMs: LEASE_MS, effect, ...more };
  return api.post('/v1/begin', asked);
}

function vanish(): void {
  clock.advance(5 * LEASE_MS);
}

it.each(['release', 'fail'])(
  'a question to the provider outlives a holder that takes the effect for pure, and its %s',
  async (verb) => {
    await begin('reconcilable');
    vanish();
    const mistaken = await begin('pure');
    expect(mistaken.body.reconcile).toMatchObject({ trackingId: mistaken.body.token });
    const error = { code: 'c', message: 'm' };
    const { handle } = mistaken.body;
    const given = await api.post(`/v1/${verb}`, { handle, ...(verb === 'fail' && { error }) });
    expect(given.body.state).toBe('free');
    const next = await begin('reconcilable');
    expect(next.body).toMatchObject({ started: true, reconcile: expect.any(Object) });
  },
);

it('a once effect that was started by a mistaken holder is parked in doubt', async () => {
  await begin('once', { started: false });
  vanish();
  const { handle } = (await begin('pure')).body;
  const failed = await api.post('/v1/fail', { handle, error: { code: 'c', message: 'm' } });
  expect(failed.body.state).toBe('in_doubt');
});

it('a stricter declaration holds from then on, whoever begins it after', async () => {
  await begin('pure');
  vanish();
  const strict = await begin('once');
  expect(strict.body).toMatchObject({ started: true, attempt: 2 });
  vanish();
  expect(await begin('pure')).toMatchObject({ status: 409, body: { code: 'in_doubt' } });
});

it('a handle carries the strictest declaration through start and renew', async () => {
  await begin('reconcilable', { started: false });
  vanish();
  let { handle } = (await begin('pure', { started: false })).body;
  for (const verb of ['start', 'renew']) {
    handle = (await api.post(`/v1/${verb}`, { handle })).body.handle;
  }
  await api.post('/v1/release', { handle });
  expect((await begin('pure')).body.reconcile).toMatchObject({
    trackingId: expect.any(String),
  });
});
