import { generateKeyPairSync, sign } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { idTokenCaller } from '../../../functions/src/adapters/auth/api-caller.ts';
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

  describe('without its signature, as Cloud Run hands it over,', () => {
    const removed = (claims: object = {}): string => {
      const [head, body] = token(claims).split('.');
      return `Bearer ${head}.${body}.SIGNATURE_REMOVED_BY_GOOGLE`;
    };

    async function statusBehindIam(headers: Record<string, string>): Promise<number> {
      const identify = idTokenCaller({ audience: AUDIENCE, verifiedByIam: true }, trusted);
      const served = await serveApi({ service: { identify, grants: GRANTS } });
      try {
        return (await served.post('/v1/check', CHARGE, { headers })).status;
      } finally {
        await served.close();
      }
    }

    it('is let in where IAM has checked it, and nowhere else', async () => {
      expect(await statusBehindIam({ Authorization: removed() })).toBe(200);
      expect(await statusWith(removed())).toBe(401);
    });

    it.each([
      ['has expired', removed({ iat: now - 9_000, exp: now - 4_000 })],
      ['is for another audience', removed({ aud: 'https://other.example.com' })],
      ['is of another issuer', removed({ iss: 'https://evil.example' })],
      ['is of an unverified address', removed({ email_verified: false })],
    ])('is answered 401 where it %s', async (_, authorization) => {
      expect(await statusBehindIam({ Authorization: authorization })).toBe(401);
    });

    it('names nobody beside the one that IAM checked', async () => {
      const checked = removed({ email: 'stranger@shop' });
      const both = { 'X-Serverless-Authorization': checked, Authorization: removed() };
      expect(await statusBehindIam(both)).toBe(403);
      const swapped = { 'X-Serverless-Authorization': removed(), Authorization: checked };
      expect(await statusBehindIam(swapped)).toBe(200);
      const emptied = { 'X-Serverless-Authorization': '', Authorization: removed() };
      expect(await statusBehindIam(emptied)).toBe(401);
    });
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
