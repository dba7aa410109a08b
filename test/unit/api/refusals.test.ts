import { generateKeyPairSync, sign } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { idTokenCaller } from '../../../functions/src/adapters/auth/api-caller.ts';
import { systemClock } from '../../../functions/src/adapters/system/clock.ts';
import { embeddedStore } from '../../../functions/src/adapters/embedded/store.ts';
import { StoreAway } from '../../../functions/src/operation/errors.ts';
import { GRANTS, serveApi } from './service.ts';
import type { ServedApi } from './service.ts';

let api: ServedApi;

beforeEach(async () => {
  api = await serveApi();
});

afterEach(() => api.close());

const CHARGE = { key: 'order-17', action: 'payments.charge', params: { cents: 100 } };

async function completed(): Promise<{ token: string; fence: number }> {
  const { body } = await api.post('/v1/begin', CHARGE);
  await api.post('/v1/complete', { handle: body.handle, result: 1 });
  return body as { token: string; fence: number };
}

describe('another namespace', () => {
  it('is answered about its neighbour’s tokens as about absent ones', async () => {
    const { token } = await completed();
    const absent = `k1_${'A'.repeat(43)}`;
    for (const path of ['', '/interventions']) {
      const other = await api.get(`/v1/operations/${token}${path}`, { as: 'agent@bank' });
      const none = await api.get(`/v1/operations/${absent}${path}`, { as: 'agent@bank' });
      expect(other.status).toBe(none.status);
      expect(JSON.stringify(other.body).replaceAll(token, absent)).toBe(JSON.stringify(none.body));
    }
    const check = await api.post('/v1/check', { token }, { as: 'agent@bank' });
    expect(check.body).toMatchObject({ state: 'absent' });
    const ledger = await api.get(`/v1/ledger/${token}`, { as: 'agent@bank' });
    expect(ledger.body).toEqual({ operations: [] });
    const purge = { verb: 'purge', reason: 'curious', fence: 1 };
    const purged = await api.post(`/v1/operations/${token}/interventions`, purge, {
      as: 'agent@bank',
    });
    expect(purged.status).toBe(404);
    expect((await api.get(`/v1/operations/${token}`)).body.result).toBe(1);
  });

  it('has operations of its own under the same key', async () => {
    await completed();
    const answer = await api.post('/v1/begin', CHARGE, { as: 'agent@bank' });
    expect(answer.status).toBe(201);
  });

  it('cannot use a handle, which is answered as one whose claim is over', async () => {
    const { handle } = (await api.post('/v1/begin', CHARGE)).body as { handle: string };
    const stolen = await api.post('/v1/complete', { handle, result: 2 }, { as: 'agent@bank' });
    expect(stolen).toMatchObject({ status: 409, body: { code: 'claim_lost' } });
    expect((await api.post('/v1/complete', { handle, result: 1 })).status).toBe(200);
  });

  it('is chosen by a caller that has several, and refused where it has no grant', async () => {
    const named = (namespace: string) => ({
      as: 'agent@both',
      headers: { 'Agent-Once-Namespace': namespace },
    });
    expect(await api.post('/v1/check', CHARGE, { as: 'agent@both' })).toMatchObject({
      status: 400,
    });
    expect((await api.post('/v1/begin', CHARGE, named('shop'))).status).toBe(201);
    expect((await api.post('/v1/check', CHARGE, named('bank'))).status).toBe(200);
    expect((await api.post('/v1/begin', CHARGE, named('bank'))).status).toBe(403);
    expect((await api.post('/v1/check', CHARGE, named('prison'))).status).toBe(403);
  });
});

describe('a handle', () => {
  it('of another claim, with the present claim’s revision put in, is damaged', async () => {
    const { handle } = (await api.post('/v1/begin', CHARGE)).body as { handle: string };
    const [version, body = '', digest] = handle.split('.');
    const fields = JSON.parse(Buffer.from(body, 'base64url').toString()) as unknown[];
    fields[3] = 7;
    const forged = Buffer.from(JSON.stringify(fields)).toString('base64url');
    const answer = await api.post('/v1/complete', {
      handle: `${version}.${forged}.${digest}`,
      result: 2,
    });
    expect(answer).toMatchObject({ status: 409, body: { code: 'claim_lost' } });
  });

  it('that is none at all is invalid', async () => {
    const answer = await api.post('/v1/complete', { handle: 'h1.x', result: 2 });
    expect(answer).toMatchObject({
      status: 400,
      body: { faults: [expect.stringMatching(/handle/)] },
    });
  });
});

describe('a role', () => {
  it.each([
    ['reader@shop', '/v1/begin', CHARGE],
    ['reader@shop', '/v1/record', { ...CHARGE, result: 1 }],
    ['operator@shop', '/v1/begin', CHARGE],
    ['agent@shop', `/v1/operations/k1_${'A'.repeat(43)}/interventions`, { verb: 'hold' }],
    ['stranger@shop', '/v1/check', CHARGE],
  ])('of %s is not enough for %s', async (as, path, body) => {
    expect(await api.post(path, body, { as })).toMatchObject({
      status: 403,
      body: { code: 'forbidden', retryable: false },
    });
  });

  it('of a reader is enough to look', async () => {
    const { token } = await completed();
    const as = 'reader@shop';
    expect((await api.post('/v1/check', CHARGE, { as })).body.state).toBe('completed');
    expect((await api.get(`/v1/operations/${token}`, { as })).status).toBe(200);
    expect((await api.get(`/v1/ledger/${token}`, { as })).status).toBe(200);
  });
});

describe('an ID token', () => {
  const AUDIENCE = 'https://api.example.com';
  const keys = () =>
    generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
  const google = keys();
  const stranger = keys();
  const encoded = (json: unknown) => Buffer.from(JSON.stringify(json)).toString('base64url');
  const now = Math.floor(Date.now() / 1_000);

  function token(claims: object = {}, { key = google.privateKey, alg = 'RS256' } = {}): string {
    const head = encoded({ alg, kid: 'k1', typ: 'JWT' });
    const body = encoded({
      iss: 'https://accounts.google.com',
      aud: AUDIENCE,
      iat: now - 60,
      exp: now + 3_000,
      email: 'agent@shop',
      email_verified: true,
      ...claims,
    });
    const signature = sign('sha256', Buffer.from(`${head}.${body}`), key).toString('base64url');
    return `${head}.${body}.${alg === 'none' ? '' : signature}`;
  }

  async function statusWith(authorization: string, certificates = trusted): Promise<number> {
    const identify = idTokenCaller({ audience: AUDIENCE }, certificates);
    const served = await serveApi({ service: { identify, grants: GRANTS } });
    try {
      const headers = { Authorization: authorization };
      const { status, headers: told } = await served.post('/v1/check', CHARGE, { headers });
      expect(told.get('www-authenticate')).toBe(status === 401 ? 'Bearer' : null);
      return status;
    } finally {
      await served.close();
    }
  }

  const trusted = async (): Promise<Record<string, string>> => ({ k1: google.publicKey });

  it('that is in order is let in', async () => {
    expect(await statusWith(`Bearer ${token()}`)).toBe(200);
  });

  it.each([
    ['signed by a stranger', `Bearer ${token({}, { key: stranger.privateKey })}`],
    ['of another issuer', `Bearer ${token({ iss: 'https://evil.example' })}`],
    ['for another audience', `Bearer ${token({ aud: 'https://other.example.com' })}`],
    ['that has expired', `Bearer ${token({ iat: now - 9_000, exp: now - 4_000 })}`],
    ['of an unverified address', `Bearer ${token({ email_verified: false })}`],
    ['without an address', `Bearer ${token({ email: undefined })}`],
    ['that is not signed', `Bearer ${token({}, { alg: 'none' })}`],
    ['that is none', 'Bearer development-token'],
    ['of another scheme', 'Basic YTpi'],
    ['that is missing', ''],
  ])('%s is answered 401', async (_, authorization) => {
    expect(await statusWith(authorization)).toBe(401);
  });

  it('that cannot be checked now is answered 503', async () => {
    const away = async () => {
      throw new Error('no network');
    };
    expect(await statusWith(`Bearer ${token()}`, away)).toBe(503);
  });

  it('of a principal without a grant is answered 403', async () => {
    expect(await statusWith(`Bearer ${token({ email: 'stranger@shop' })}`)).toBe(403);
  });
});

describe('a request', () => {
  it('with a body that is too large is answered 413', async () => {
    const text = JSON.stringify({ key: 'k', params: 'x'.repeat(4 * 1024 * 1024) });
    expect(await api.post('/v1/check', undefined, { text })).toMatchObject({
      status: 413,
      body: { code: 'too_large' },
    });
  });

  it.each([
    ['nested too deeply', `{"key":"k","params":${'['.repeat(65)}${']'.repeat(65)}}`],
    ['nested so deeply that a parser may give up', '['.repeat(1_000_000)],
    ['that is no JSON', '{'],
    ['with a number out of range', '{"key":"k","params":1e999}'],
    ['with a forged tag', '{"key":"k","params":{"$date":"yesterday"}}'],
    ['with a lone surrogate', '{"key":"\\ud800"}'],
    ['with a member that is not known', '{"key":"k","prams":1}'],
    ['with a key that is too long', JSON.stringify({ key: 'ä'.repeat(300) })],
    ['with an empty key', '{"key":""}'],
    ['that is a list', '[]'],
  ])('with a body %s is answered 400, naming it', async (_, text) => {
    const answer = await api.post('/v1/begin', undefined, { text });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid', retryable: false } });
    expect(answer.body.faults).not.toHaveLength(0);
  });

  it('has every fault named at once', async () => {
    const body = { key: '', action: 'Pay!', leaseMs: 1, effect: 'maybe' };
    const { body: told } = await api.post('/v1/begin', body);
    expect(told.faults).toHaveLength(4);
  });

  it('with a key in the header that differs from the body’s is answered 400', async () => {
    const headers = { 'Idempotency-Key': 'other' };
    expect((await api.post('/v1/begin', CHARGE, { headers })).status).toBe(400);
  });

  it('of another media type is answered 415', async () => {
    const headers = { 'Content-Type': 'text/plain' };
    expect((await api.post('/v1/begin', CHARGE, { headers })).status).toBe(415);
  });

  it('to nowhere is answered 404 as a problem', async () => {
    const answer = await api.get('/v1/nothing');
    expect(answer).toMatchObject({ status: 404, body: { code: 'no_such_route' } });
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
  });

  it('too many of one caller is told when to come back, and other callers are not', async () => {
    const served = await serveApi({ service: { ratePerSecond: 1 } });
    const ask = (as: string) => served.post('/v1/check', CHARGE, { as });
    const answers = [await ask('agent@shop'), await ask('agent@shop'), await ask('agent@shop')];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(answers[2]?.headers.get('retry-after')).toBe('1');
    expect((await ask('reader@shop')).status).toBe(200);
    await served.close();
  });

  it('made longer ago than is remembered is answered 410', async () => {
    expect(await api.post('/v1/begin', { ...CHARGE, madeAt: 1 })).toMatchObject({ status: 410 });
  });
});

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
    expect(body.entries).toHaveLength(4);
    expect(body.entries).toContainEqual({
      verb: 'purge',
      actor: as,
      reason: 'for purge',
      at: expect.any(Number) as number,
    });
    const { body: purged } = await api.get(`/v1/operations/${token}`);
    expect(purged).toMatchObject({ state: 'completed', resultGone: /purged/ });
  });

  it('that does not fit is refused, saying why', async () => {
    const { body: begun } = await api.post('/v1/begin', CHARGE);
    const answer = await api.post(
      `/v1/operations/${begun.token}/interventions`,
      { verb: 'hold', reason: 'r', fence: begun.fence },
      { as },
    );
    expect(answer).toMatchObject({ status: 409, body: { code: 'refused' } });
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
      const verbs = ['claim', 'start', 'renew', 'complete', 'fail', 'release', 'get', 'getMany'];
      const store = {
        ...real,
        ledger: gone,
        override: gone,
        doubt: gone,
        ...Object.fromEntries(verbs.map((verb) => [verb, gone])),
        close: async () => {},
      };
      const served = await serveApi({ store, runtime: { limits } });
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
        served.post(
          `/v1/operations/${token}/interventions`,
          { verb: 'hold', reason: 'r', fence: 1 },
          { as: 'operator@shop' },
        ),
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
      release: async (...asked: Parameters<typeof real.release>) => {
        const answer = await real.release(...asked);
        released.resolve();
        return answer;
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
