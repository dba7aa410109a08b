import { describe, expect, it } from 'vitest';
import { embeddedDocuments } from '../../../functions/src/adapters/embedded/documents.ts';
import { embeddedStore } from '../../../functions/src/adapters/embedded/store.ts';
import { systemClock } from '../../../functions/src/adapters/system/clock.ts';
import { StoreAway } from '../../../functions/src/operation/errors.ts';
import { createTokenStore } from '../../../functions/src/store/token-store.ts';
import { faultyDocuments } from '../../support/faulty-documents.ts';
import type { WriteFate } from '../../support/faulty-documents.ts';
import { serveApi } from './service.ts';
import type { ServedApi } from './service.ts';

const CHARGE = { key: 'order-17', action: 'payments.charge', params: { cents: 100 } };

describe('with the store away', () => {
  const CLAIM_MS = 100;
  const limits = { claimAnswerMs: CLAIM_MS, recordAnswerMs: CLAIM_MS };

  it('every call that asks it is answered 503 with Retry-After, in time', async () => {
    const real = embeddedStore(':memory:', systemClock);
    const held = await serveApi({ store: real });
    const { handle, token } = (await held.post('/v1/begin', CHARGE)).body as {
      handle: string;
      token: string;
    };
    const never = () => new Promise<never>(() => {});
    const away = async () => {
      throw new StoreAway('connection refused');
    };
    for (const gone of [never, away]) {
      const verbs = [
        'claim',
        'record',
        'start',
        'renew',
        'complete',
        'fail',
        'release',
        'get',
        'getMany',
      ];
      const store = {
        ...real,
        ledger: gone,
        byStatus: gone,
        override: gone,
        doubt: gone,
        ...Object.fromEntries(verbs.map((verb) => [verb, gone])),
        close: async () => {},
      };
      const besides = {
        state: { read: gone, readVersion: gone, readAsOf: gone, history: gone, write: gone },
        events: { append: gone, read: gone },
        time: { reserveBlock: gone },
      };
      const served = await serveApi({
        store,
        audit: { append: gone, read: gone, close: async () => {} },
        runtime: { limits },
        service: withClose(besides),
      });
      const error = { code: 'c', message: 'm' };
      const answers = await Promise.all([
        served.post('/v1/check', CHARGE),
        served.post('/v1/check-batch', { operations: [CHARGE] }),
        served.post('/v1/begin', CHARGE),
        served.post('/v1/record', { ...CHARGE, result: 1 }),
        served.post('/v1/start', { handle }),
        served.post('/v1/renew', { handle }),
        served.post('/v1/complete', { handle, result: 1 }),
        served.post('/v1/fail', { handle, error, notDone: true }),
        served.post('/v1/release', { handle, notDone: true }),
        served.get(`/v1/operations/${token}`),
        served.get(`/v1/ledger/${token}`),
        served.get('/v1/operations?status=in_doubt', { as: 'reader@shop' }),
        served.post(
          `/v1/operations/${token}/interventions`,
          { verb: 'hold', reason: 'r', fence: 1 },
          { as: 'operator@shop' },
        ),
        served.get(`/v1/operations/${token}/interventions`),
        served.get('/v1/state?entity=account/1'),
        served.get('/v1/state?entity=account/1&version=1'),
        served.get('/v1/state?entity=account/1&asOf=1'),
        served.get('/v1/state/history?entity=account/1'),
        served.post('/v1/state', { entity: 'account/1', ifVersion: 0, value: 1, key: 'w' }),
        served.get(`/v1/events/${token}`),
        served.post(`/v1/events/${token}`, {
          events: [{ key: 'e', type: 'E', data: 1, logicalTime: 1 }],
        }),
        served.post('/v1/time/tick'),
      ]);
      for (const { status, headers, body } of answers) {
        expect({ status, code: body.code }).toEqual({ status: 503, code: 'store_away' });
        expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      }
      const { body } = await served.post('/v1/begin-batch', { operations: [CHARGE] });
      expect(body.answers).toMatchObject([{ status: 503, problem: { code: 'store_away' } }]);
      await served.close();
    }
    await held.close();
  });

  it.each(['claim', 'start'] as const)('a %s answered too late is given back', async (slow) => {
    const real = embeddedStore(':memory:', systemClock);
    let answerNow = () => {};
    const later = new Promise<void>((resolve) => (answerNow = resolve));
    const released = Promise.withResolvers<void>();
    const store = {
      ...real,
      [slow]: async (...asked: never[]) => {
        const answer = await (real[slow] as (...all: never[]) => Promise<unknown>)(...asked);
        await later;
        return answer;
      },
      giveBack: async (...asked: Parameters<typeof real.giveBack>) => {
        await real.giveBack(...asked);
        released.resolve();
      },
      close: async () => {},
    };
    const served = await serveApi({ store, runtime: { limits } });
    expect((await served.post('/v1/begin', CHARGE)).status).toBe(503);
    answerNow();
    await released.promise;
    const { body } = await served.post('/v1/check', CHARGE);
    expect(body).toMatchObject({ state: 'free', operation: { started: false } });
    await served.close();
    await real.close();
  });
});

/** Stand-ins for what a service keeps beside operations, as far as the calls above ask them. */
function withClose(besides: object): object {
  return Object.fromEntries(
    Object.entries(besides).map(([name, calls]) => [
      name,
      { ...(calls as object), close: async () => {} },
    ]),
  );
}

describe.each<WriteFate>(['answer lost', 'request lost', 'repeated'])(
  'where a write’s fate is: %s',
  (fate) => {
    async function faulty(): Promise<{ api: ServedApi; befall: () => void }> {
      const documents = faultyDocuments(embeddedDocuments(':memory:', systemClock));
      const api = await serveApi({ store: createTokenStore(documents) });
      return { api, befall: () => documents.befall(fate) };
    }

    it('a begin is won by its caller, and by nobody else', async () => {
      const { api, befall } = await faulty();
      befall();
      expect(await api.post('/v1/begin', { ...CHARGE, effect: 'pure' })).toMatchObject({
        status: 201,
        body: { fence: 1 },
      });
      expect((await api.post('/v1/begin', CHARGE)).status).toBe(409);
      await api.close();
    });

    it('a record is recorded, and another one is not', async () => {
      const { api, befall } = await faulty();
      befall();
      expect((await api.post('/v1/record', { ...CHARGE, result: 1 })).status).toBe(201);
      expect((await api.post('/v1/record', { ...CHARGE, result: 1 })).status).toBe(200);
      expect((await api.post('/v1/record', { ...CHARGE, result: 2 })).status).toBe(409);
      await api.close();
    });

    it.each([
      ['complete', { result: 1 }, 'completed'],
      ['fail', { error: { code: 'c', message: 'm' }, notDone: true }, 'failed'],
      ['release', { notDone: true }, 'free'],
    ])('a %s stands', async (verb, body, state) => {
      const { api, befall } = await faulty();
      const { handle, token } = (await api.post('/v1/begin', CHARGE)).body as {
        handle: string;
        token: string;
      };
      befall();
      expect((await api.post(`/v1/${verb}`, { handle, ...body })).body.state).toBe(state);
      expect((await api.get(`/v1/operations/${token}`)).body.state).toBe(state);
      await api.close();
    });

    it('an intervention is carried out once', async () => {
      const { api, befall } = await faulty();
      const { body } = await api.post('/v1/begin', CHARGE);
      const path = `/v1/operations/${body.token}/interventions`;
      const release = { verb: 'force_release', reason: 'stuck', fence: body.fence as number };
      befall();
      const first = await api.post(path, release, { as: 'operator@shop' });
      expect(first).toMatchObject({ status: 200, body: { operation: { fence: body.fence + 1 } } });
      const again = await api.post(path, release, { as: 'operator@shop' });
      expect(again).toMatchObject({ status: 409, body: { code: 'stale' } });
      await api.close();
    });
  },
);
