import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serveApi } from './service.ts';
import type { ServedApi } from './service.ts';

let api: ServedApi;

beforeEach(async () => {
  api = await serveApi();
});

afterEach(() => api.close());

const CHARGE = { key: 'order-17', action: 'payments.charge', params: { cents: 100 } };
const keyed = (key: string) => ({ headers: { 'Idempotency-Key': key } });

async function begin(fields: object = {}) {
  const answer = await api.post('/v1/begin', { ...CHARGE, ...fields });
  expect(answer.status).toBe(201);
  return answer.body as { handle: string; token: string; fence: number };
}

describe('an operation under a key in the header alone', () => {
  it('is claimed, completed and replayed', async () => {
    const first = await api.post('/v1/begin', undefined, keyed('"order-17"'));
    expect(first.status).toBe(201);
    expect(first.body).toMatchObject({ state: 'claimed', fence: 1, attempt: 1, started: true });

    const second = await api.post('/v1/begin', undefined, keyed('order-17'));
    expect(second.status).toBe(409);
    expect(second.body).toMatchObject({ code: 'in_flight', retryable: true });
    expect(Number(second.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);

    const { handle } = first.body as { handle: string };
    const done = await api.post('/v1/complete', { handle, result: { charge: 'c1' } });
    expect(done.body).toMatchObject({ state: 'completed' });

    const third = await api.post('/v1/begin', undefined, keyed('order-17'));
    expect(third.status).toBe(200);
    expect(third.headers.get('idempotency-replayed')).toBe('true');
    expect(Date.parse(third.headers.get('idempotency-expires') ?? '')).toBeGreaterThan(Date.now());
    expect(third.body.operation.result).toEqual({ charge: 'c1' });

    const result = await api.get('/v1/result', keyed('order-17'));
    expect(result.body).toMatchObject({ state: 'completed', result: { charge: 'c1' } });
  });
});

describe('a check', () => {
  it('tells absent, in flight, free, completed and failed apart', async () => {
    const state = async () => (await api.post('/v1/check', CHARGE)).body.state as string;
    expect(await state()).toBe('absent');
    const { handle } = await begin();
    expect(await state()).toBe('in_flight');
    await api.post('/v1/release', { handle, notDone: true });
    expect(await state()).toBe('free');
    const again = await begin();
    await api.post('/v1/fail', {
      handle: again.handle,
      error: { code: 'declined', message: 'No cover.' },
      notDone: true,
    });
    const failed = await api.post('/v1/check', CHARGE);
    expect(failed.body).toMatchObject({
      state: 'failed',
      operation: { error: { code: 'declined', retryable: false } },
    });
  });

  it('tells that what is on record was decided in another context', async () => {
    const { handle } = await begin({ context: { versions: { prices: '1' } } });
    await api.post('/v1/complete', { handle, result: 1 });
    const answer = await api.post('/v1/check', {
      ...CHARGE,
      context: { versions: { prices: '2' } },
    });
    expect(answer.body).toMatchObject({ state: 'completed', drift: true });
  });

  it('of the same key with other params is a mismatch, as is a begin', async () => {
    await begin();
    for (const path of ['/v1/check', '/v1/begin', '/v1/record']) {
      const other = {
        ...CHARGE,
        params: { cents: 200 },
        ...(path === '/v1/record' && { result: 1 }),
      };
      expect(await api.post(path, other)).toMatchObject({
        status: 422,
        body: { code: 'mismatch' },
      });
    }
  });
});

describe('a request without key or token', () => {
  it('is one with an equal one, and another with other params', async () => {
    const request = { action: 'mail.send', params: { to: 'a' }, effect: 'idempotent' };
    expect((await api.post('/v1/begin', request)).status).toBe(201);
    expect((await api.post('/v1/begin', request)).status).toBe(409);
    expect((await api.post('/v1/begin', { ...request, params: { to: 'b' } })).status).toBe(201);
  });

  it('is found in the neighbouring time bucket', async () => {
    const madeAt = Math.floor(Date.now() / 300_000) * 300_000 - 1;
    const request = { action: 'mail.send', params: { to: 'a' } };
    expect((await api.post('/v1/begin', { ...request, madeAt })).status).toBe(201);
    const twin = { ...request, madeAt: madeAt + 2 };
    expect((await api.post('/v1/check', twin)).body.state).toBe('in_flight');
    expect((await api.post('/v1/begin', twin)).status).toBe(409);
  });
});

describe('a claim', () => {
  it('begun again under its own claim id is the same claim, without a question', async () => {
    const claimId = 'a'.repeat(22);
    const first = await begin({ claimId });
    const second = await begin({ claimId });
    expect(second).toMatchObject({ token: first.token, fence: 1 });
    expect(second).not.toHaveProperty('reconcile');
    expect((await api.post('/v1/complete', { handle: second.handle, result: 1 })).status).toBe(200);
  });

  it('goes on under the handle that start and renew answer', async () => {
    const begun = await begin({ effect: 'reconcilable', started: false });
    const started = await api.post('/v1/start', { handle: begun.handle, trackingId: 'ch_1' });
    expect(started.body).toMatchObject({ started: true, trackingId: 'ch_1' });
    const renewed = await api.post('/v1/renew', { handle: started.body.handle });
    const done = await api.post('/v1/complete', { handle: renewed.body.handle, result: null });
    expect(done.status).toBe(200);
  });

  it('whose completion is sent twice is answered twice', async () => {
    const { handle } = await begin();
    expect((await api.post('/v1/complete', { handle, result: 1 })).status).toBe(200);
    expect((await api.post('/v1/complete', { handle, result: 1 })).status).toBe(200);
  });

  it('that was released is lost, and the next one has the next fence', async () => {
    const { handle } = await begin();
    await api.post('/v1/release', { handle, notDone: true });
    const next = await begin();
    expect(next.fence).toBe(2);
    const late = await api.post('/v1/complete', { handle, result: 1 });
    expect(late).toMatchObject({ status: 409, body: { code: 'claim_lost', retryable: false } });
    expect((await api.post('/v1/complete', { handle: next.handle, result: 2 })).status).toBe(200);
  });

  it('given back with a wait is in flight until that has passed', async () => {
    const { handle } = await begin();
    await api.post('/v1/release', { handle, waitMs: 60_000, notDone: true });
    expect(await api.post('/v1/begin', CHARGE)).toMatchObject({ status: 409 });
  });

  it('of a started `once` effect that fails without saying that nothing happened goes into doubt', async () => {
    const { handle } = await begin();
    const failed = await api.post('/v1/fail', {
      handle,
      error: { code: 'timeout', message: 'No answer.' },
    });
    expect(failed.body.state).toBe('in_doubt');
    const again = await api.post('/v1/begin', CHARGE);
    expect(again).toMatchObject({ status: 409, body: { code: 'in_doubt', retryable: false } });
  });

  it('of a started `reconcilable` effect comes back with its question', async () => {
    const { handle } = await begin({ effect: 'reconcilable', trackingId: 'ch_1' });
    const error = { code: 'timeout', message: 'No answer.' };
    expect((await api.post('/v1/fail', { handle, error })).body.state).toBe('free');
    const next = await api.post('/v1/begin', { ...CHARGE, effect: 'reconcilable' });
    expect(next).toMatchObject({ status: 201, body: { reconcile: { trackingId: 'ch_1' } } });
  });
});

describe('recording without a claim', () => {
  const record = (result: unknown) => api.post('/v1/record', { ...CHARGE, result });

  it('is won by the first; the same result is answered as recorded, another one refused', async () => {
    expect((await record({ a: 1, b: 2 })).status).toBe(201);
    const equal = await record({ b: 2, a: 1 });
    expect(equal.status).toBe(200);
    expect(equal.headers.get('idempotency-replayed')).toBe('true');
    expect(await record({ a: 2 })).toMatchObject({ status: 409, body: { code: 'other_outcome' } });
    expect((await api.post('/v1/begin', CHARGE)).body.operation.result).toEqual({ a: 1, b: 2 });
  });

  it('is won by one of fifty that come at once', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => record({ n })));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(49);
  });

  it('of what somebody runs is refused', async () => {
    await begin();
    expect(await record(1)).toMatchObject({ status: 409, body: { code: 'in_flight' } });
  });
});

describe('a workflow’s ledger', () => {
  it('holds its operations in order, page by page', async () => {
    const root = await begin({ logicalTime: 1 });
    const place = { root: root.token, path: 'a/b', effect: 'pure', action: 'a.b' };
    for (const occurrence of [0, 1, 2]) {
      const answer = await api.post('/v1/begin', {
        ...place,
        occurrence,
        logicalTime: 2 + occurrence,
      });
      expect(answer.status).toBe(201);
    }
    const times: number[] = [];
    let after = '';
    do {
      const page = await api.get(`/v1/ledger/${root.token}?limit=3${after && `&after=${after}`}`);
      expect(page.status).toBe(200);
      times.push(...page.body.operations.map((it: { logicalTime: number }) => it.logicalTime));
      after = (page.body.next as string | undefined) ?? '';
    } while (after !== '');
    expect(times).toEqual([1, 2, 3, 4]);
  });
});

describe('a batch', () => {
  it('of checks is answered in its order, with duplicates and faults named', async () => {
    const { handle } = await begin();
    await api.post('/v1/complete', { handle, result: 1 });
    const operations = [
      CHARGE,
      { key: 'other' },
      CHARGE,
      { key: 'x', token: `k1_${'A'.repeat(43)}` },
    ];
    const { status, body } = await api.post('/v1/check-batch', { operations });
    expect(status).toBe(200);
    expect(body.answers).toMatchObject([
      { status: 200, answer: { state: 'completed', operation: { result: 1 } } },
      { status: 200, answer: { state: 'absent' } },
      { status: 200, duplicateOf: 0, answer: { state: 'completed' } },
      { status: 400, problem: { faults: [expect.stringMatching(/^body\.operations\.3\.token:/)] } },
    ]);
  });

  it('of begins claims each operation once', async () => {
    const operations = [CHARGE, { key: 'other' }, CHARGE, { ...CHARGE, params: 'other' }];
    const { body } = await api.post('/v1/begin-batch', { operations });
    expect(body.answers).toMatchObject([
      { status: 201, answer: { state: 'claimed' } },
      { status: 201, answer: { state: 'claimed' } },
      { status: 409, duplicateOf: 0, problem: { code: 'in_flight' } },
      { status: 422, duplicateOf: 0, problem: { code: 'mismatch' } },
    ]);
  });
});
