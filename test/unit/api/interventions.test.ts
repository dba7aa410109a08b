import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { embeddedAuditLog } from '../../../functions/src/adapters/embedded/audit-log.ts';
import { embeddedStore } from '../../../functions/src/adapters/embedded/store.ts';
import { systemClock } from '../../../functions/src/adapters/system/clock.ts';
import { StoreAway } from '../../../functions/src/operation/errors.ts';
import type { AuditEntry, AuditLog } from '../../../functions/src/ports/audit-log.ts';
import type { TokenStore } from '../../../functions/src/ports/token-store.ts';
import { serveApi } from './service.ts';
import type { ServedApi } from './service.ts';

let store: TokenStore;
let audit: AuditLog;
let api: ServedApi;

const stay = { close: async () => {} };

beforeEach(async () => {
  store = embeddedStore(':memory:', systemClock);
  audit = embeddedAuditLog(':memory:');
  api = await serveApi({ store: { ...store, ...stay }, audit: { ...audit, ...stay } });
});

afterEach(async () => {
  await api.close();
  await Promise.all([store.close(), audit.close()]);
});

const CHARGE = { key: 'order-17', action: 'payments.charge', params: { cents: 100 } };

async function completed(): Promise<{ token: string; fence: number }> {
  const { body } = await api.post('/v1/begin', CHARGE);
  await api.post('/v1/complete', { handle: body.handle, result: 1 });
  return body as { token: string; fence: number };
}

describe('an intervention', () => {
  const as = 'operator@shop';

  it('sent again is refused, and done once', async () => {
    const { token } = await completed();
    const { body: seen } = await api.get(`/v1/operations/${token}`);
    const path = `/v1/operations/${token}/interventions`;
    const extend = { verb: 'extend', byMs: 60_000, reason: 'audit', fence: seen.fence };
    expect((await api.post(path, extend, { as })).status).toBe(200);
    const again = await api.post(path, extend, { as });
    expect(again).toMatchObject({ status: 409, body: { code: 'stale' } });
    const { body: now } = await api.get(`/v1/operations/${token}`);
    expect(now.expireAt - seen.expireAt).toBe(60_000);
  });

  it('is on record with actor and reason, and so are all before it', async () => {
    const { token, fence } = await completed();
    const path = `/v1/operations/${token}/interventions`;
    const verbs = ['hold', 'unhold', 'expire', 'purge'];
    for (const [index, verb] of verbs.entries()) {
      const body = { verb, reason: `for ${verb}`, fence: fence + index };
      expect(await api.post(path, body, { as })).toMatchObject({ status: 200 });
    }
    const { body } = await api.get(path);
    const told = body.entries as AuditEntry[];
    expect(told.map(({ verb, phase }) => `${verb} ${phase}`)).toEqual(
      expect.arrayContaining(verbs.flatMap((verb) => [`${verb} intended`, `${verb} done`])),
    );
    expect(told).toHaveLength(8);
    const first = told.findIndex(({ verb }) => verb === 'purge');
    expect(told.slice(first, first + 2)).toEqual(
      ['intended', 'done'].map((phase) => ({
        verb: 'purge',
        actor: as,
        reason: 'for purge',
        at: expect.any(Number) as number,
        phase,
      })),
    );
    const { body: purged } = await api.get(`/v1/operations/${token}`);
    expect(purged).toMatchObject({ state: 'completed', resultGone: /purged/ });
  });

  it('is seen at once by what this instance remembers', async () => {
    const { token, fence } = await completed();
    expect((await api.post('/v1/check', CHARGE)).body.operation.result).toBe(1);
    const purge = { verb: 'purge', reason: 'erasure', fence };
    expect((await api.post(`/v1/operations/${token}/interventions`, purge, { as })).status).toBe(
      200,
    );
    const { body } = await api.post('/v1/check', CHARGE);
    expect(body.operation).toMatchObject({ resultGone: expect.stringMatching(/purged/) });
    expect(body.operation).not.toHaveProperty('result');
  });

  it('that does not fit is refused, saying why', async () => {
    const { body: begun } = await api.post('/v1/begin', CHARGE);
    const answer = await api.post(
      `/v1/operations/${begun.token}/interventions`,
      { verb: 'hold', reason: 'r', fence: begun.fence },
      { as },
    );
    expect(answer).toMatchObject({ status: 409, body: { code: 'refused' } });
    const { body } = await api.get(`/v1/operations/${begun.token}/interventions`);
    expect(body.entries).toMatchObject([{ phase: 'intended' }, { phase: 'refused' }]);
  });

  it.each([
    ['resolve_done', { result: 'charged' }, 'completed'],
    ['resolve_not_done', {}, 'free'],
  ])('%s settles an operation in doubt', async (verb, more, state) => {
    const { body: begun } = await api.post('/v1/begin', CHARGE);
    const error = { code: 'timeout', message: 'No answer.' };
    await api.post('/v1/fail', { handle: begun.handle, error });
    const answer = await api.post(
      `/v1/operations/${begun.token}/interventions`,
      { verb, ...more, reason: 'looked it up', fence: begun.fence },
      { as },
    );
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ operation: { state, ...more }, published: false });
  });
});

describe('an intervention that something comes between', () => {
  const as = 'operator@shop';
  const hold = (fence: number, reason = 'dispute') => ({ verb: 'hold', reason, fence });

  /** Another instance on the same store and log, changed. */
  async function instance(changes: {
    readonly audit?: Partial<AuditLog>;
    readonly store?: Partial<TokenStore>;
  }): Promise<ServedApi> {
    return serveApi({
      store: { ...store, ...stay, ...changes.store },
      audit: { ...audit, ...stay, ...changes.audit },
    });
  }

  const phases = async (token: string) => {
    const { body } = await api.get(`/v1/operations/${token}/interventions`);
    return (body.entries as AuditEntry[]).map(({ verb, phase }) => `${verb} ${phase}`);
  };

  it('is not carried out where its intention can’t be logged', async () => {
    const { token, fence } = await completed();
    const path = `/v1/operations/${token}/interventions`;
    const deaf = await instance({
      audit: {
        append: async () => {
          throw new StoreAway('connection refused');
        },
      },
    });
    expect((await deaf.post(path, hold(fence), { as })).status).toBe(503);
    await deaf.close();
    expect((await api.get(`/v1/operations/${token}`)).body).toMatchObject({ fence });
    expect(await phases(token)).toEqual([]);
    expect((await api.post(path, hold(fence), { as })).status).toBe(200);
  });

  it('is told as done where only that can’t be logged, and logged before the next one', async () => {
    const { token, fence } = await completed();
    const path = `/v1/operations/${token}/interventions`;
    let calls = 0;
    const crashing = await instance({
      audit: {
        append: async (entry) => {
          calls += 1;
          if (calls > 1) throw new StoreAway('connection refused');
          await audit.append(entry);
        },
      },
    });
    expect((await crashing.post(path, hold(fence), { as })).status).toBe(200);
    await crashing.close();
    expect(await phases(token)).toEqual(['hold intended']);
    const { body } = await api.get(`/v1/operations/${token}`);
    expect(body).toMatchObject({ hold: true, override: { verb: 'hold', actor: as } });

    const next = { verb: 'unhold', reason: 'settled', fence: fence + 1 };
    expect((await api.post(path, next, { as })).status).toBe(200);
    expect(await phases(token)).toEqual([
      'hold intended',
      'hold done',
      'unhold intended',
      'unhold done',
    ]);
  });

  it('leaves its intention behind where its answer is lost, and is not carried out twice', async () => {
    const { token, fence } = await completed();
    const path = `/v1/operations/${token}/interventions`;
    const losing = await instance({
      store: {
        override: async (...asked) => {
          await store.override(...asked);
          throw new StoreAway('connection reset');
        },
      },
    });
    expect((await losing.post(path, hold(fence), { as })).status).toBe(503);
    await losing.close();
    expect(await phases(token)).toEqual(['hold intended']);
    const again = await api.post(path, hold(fence), { as });
    expect(again).toMatchObject({ status: 409, body: { code: 'stale' } });
    expect(await phases(token)).toEqual(['hold intended', 'hold done']);
    expect((await api.get(`/v1/operations/${token}`)).body.fence).toBe(fence + 1);
  });

  it('is one of twenty that were decided on the same look', async () => {
    const { token, fence } = await completed();
    const path = `/v1/operations/${token}/interventions`;
    const { body: before } = await api.get(`/v1/operations/${token}`);
    const { promise: allLooked, resolve } = Promise.withResolvers<void>();
    let looks = 0;
    const crowded = await instance({
      store: {
        get: async (...asked) => {
          const found = await store.get(...asked);
          looks += 1;
          if (looks === 20) resolve();
          await allLooked;
          return found;
        },
      },
    });
    const extend = { verb: 'extend', byMs: 60_000, fence };
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        crowded.post(path, { ...extend, reason: `r${n}` }, { as }),
      ),
    );
    await crowded.close();
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.code === 'stale')).toHaveLength(19);
    const { body: after } = await api.get(`/v1/operations/${token}`);
    expect(after.expireAt - before.expireAt).toBe(60_000);
    const told = await phases(token);
    expect(told.filter((phase) => phase === 'extend done')).toHaveLength(1);
    expect(told.filter((phase) => phase === 'extend refused')).toHaveLength(19);
  });
});
