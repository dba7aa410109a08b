import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimHandles } from '../../../functions/src/handlers/api/claim-handle.ts';
import type { TokenStore } from '../../../functions/src/ports/token-store.ts';
import { systemClock } from '../../../functions/src/adapters/system/clock.ts';
import { embeddedStore } from '../../../functions/src/adapters/embedded/store.ts';
import { HANDLE_KEY, serveApi } from './service.ts';
import type { Asked, ServedApi } from './service.ts';

let store: TokenStore;
let asked: string[];
let api: ServedApi;

beforeEach(async () => {
  const real = embeddedStore(':memory:', systemClock);
  asked = [];
  store = new Proxy(real, {
    get(target, name: keyof TokenStore) {
      const verb: unknown = target[name];
      if (typeof verb !== 'function' || name === 'now') return verb;
      return (...given: unknown[]) => {
        asked.push(name);
        return verb(...given) as unknown;
      };
    },
  });
  api = await serveApi({ store });
});

afterEach(() => api.close());

interface Begun {
  readonly handle: string;
  readonly token: string;
  readonly fence: number;
}

async function begin(key: string, asAsked?: Asked): Promise<Begun> {
  const request = { key, action: 'payments.charge', effect: 'idempotent' };
  const { status, body } = await api.post('/v1/begin', request, asAsked);
  expect(status).toBe(201);
  return body as Begun;
}

const VALUES = (handle: string) =>
  JSON.parse(Buffer.from(handle.split('.')[1] ?? '', 'base64url').toString()) as unknown[];

function encoded(values: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(values)).toString('base64url');
}

const CALLS = [
  ['/v1/start', {}],
  ['/v1/renew', {}],
  ['/v1/complete', { result: 'stolen' }],
  ['/v1/fail', { error: { code: 'c', message: 'm' }, notDone: true }],
  ['/v1/release', { notDone: true }],
] as const;

/** How each call answers to the handle, what the store was asked for it, and how the operation stands then. */
async function usesOf(handle: string, token: string, asAsked?: Asked): Promise<unknown> {
  asked.length = 0;
  const answers: string[] = [];
  for (const [path, body] of CALLS) {
    const answer = await api.post(path, { handle, ...body }, asAsked);
    answers.push(`${answer.status} ${answer.body.code}`);
  }
  const calls = [...asked];
  const { body } = await api.get(`/v1/operations/${token}`);
  return { answers, calls, state: body.state as string, fence: body.fence as number };
}

/** Refused by all of them without a look at the store, and nothing has changed. */
const REFUSED = {
  answers: CALLS.map(() => '409 claim_lost'),
  calls: [],
  state: 'in_flight',
  fence: 1,
};

describe('a handle', () => {
  it('is taken by any instance that has the key, and by none that has another', async () => {
    const { handle, token } = await begin('order-17');
    const stay = { ...store, close: async () => {} };
    const foreign = await serveApi({
      store: stay,
      service: { handles: claimHandles(['another key']) },
    });
    const refused = await foreign.post('/v1/complete', { handle, result: 1 });
    expect(refused).toMatchObject({ status: 409, body: { code: 'claim_lost' } });
    await foreign.close();

    const second = await serveApi({ store: stay });
    expect((await second.post('/v1/complete', { handle, result: 1 })).status).toBe(200);
    await second.close();
    expect((await api.get(`/v1/operations/${token}`)).body).toMatchObject({ result: 1 });
  });

  it('made under the old key is taken while keys are being replaced', async () => {
    const { handle } = await begin('order-17');
    const stay = { ...store, close: async () => {} };
    const replacing = await serveApi({
      store: stay,
      service: { handles: claimHandles(['the new key', HANDLE_KEY]) },
    });
    const renewed = await replacing.post('/v1/renew', { handle });
    expect(renewed.status).toBe(200);
    const old = await api.post('/v1/complete', { handle: renewed.body.handle, result: 1 });
    expect(old).toMatchObject({ status: 409, body: { code: 'claim_lost' } });
    const done = await replacing.post('/v1/complete', { handle: renewed.body.handle, result: 1 });
    expect(done.status).toBe(200);
    await replacing.close();
  });

  it('of an earlier claim is refused by the store, whoever holds the operation now', async () => {
    const first = await begin('order-17');
    await api.post('/v1/release', { handle: first.handle, notDone: true });
    const second = await begin('order-17');
    for (const [path, body] of CALLS) {
      const late = await api.post(path, { handle: first.handle, ...body });
      expect(late).toMatchObject({ status: 409, body: { code: 'claim_lost' } });
    }
    expect((await api.post('/v1/complete', { handle: second.handle, result: 2 })).status).toBe(200);
  });

  it('with the present claim’s parts put in is refused', async () => {
    const first = await begin('order-17');
    await api.post('/v1/release', { handle: first.handle, notDone: true });
    const second = await begin('order-17');
    const [version, , code] = first.handle.split('.');
    const [, present] = second.handle.split('.');
    const mixed = `${version}.${present}.${code}`;
    const answer = await api.post('/v1/complete', { handle: mixed, result: 'stolen' });
    expect(answer).toMatchObject({ status: 409, body: { code: 'claim_lost' } });
    expect((await api.get(`/v1/operations/${second.token}`)).body.state).toBe('in_flight');
  });

  it('with another operation’s token put in is refused', async () => {
    const own = await begin('order-17');
    const other = await begin('order-18');
    const [version, , code] = own.handle.split('.');
    const values = VALUES(own.handle).with(1, other.token);
    expect(await usesOf(`${version}.${encoded(values)}.${code}`, other.token)).toEqual(REFUSED);
  });

  it('of another operation than the call names is refused as a mismatch', async () => {
    const own = await begin('order-17');
    const other = await begin('order-18');
    asked.length = 0;
    for (const [path, body] of CALLS) {
      const mixedUp = { handle: other.handle, token: own.token, ...body };
      expect(await api.post(path, mixedUp)).toMatchObject({
        status: 422,
        body: { code: 'mismatch', retryable: false },
      });
    }
    expect(asked).toEqual([]);
    const right = { handle: own.handle, token: own.token, result: 1 };
    expect((await api.post('/v1/complete', right)).status).toBe(200);
  });

  it('of another namespace is refused, and cannot be made one’s own', async () => {
    const { handle, token } = await begin('order-17');
    const bank = { as: 'agent@bank' };
    expect(await usesOf(handle, token, bank)).toEqual(REFUSED);
    const [version, , code] = handle.split('.');
    const values = VALUES(handle).with(0, 'bank');
    expect(await usesOf(`${version}.${encoded(values)}.${code}`, token, bank)).toEqual(REFUSED);
  });

  it.each([
    ['without a key', (body: string) => createHmac('sha256', '').update(`h2.${body}`).digest()],
    ['by a guessed key', (body: string) => createHmac('sha256', 'k').update(`h2.${body}`).digest()],
    ['as a plain digest', () => Buffer.alloc(32)],
  ])('forged %s is refused', async (_, codeOf) => {
    const { handle, token } = await begin('order-17');
    const body = encoded(VALUES(handle).with(3, 7));
    expect(await usesOf(`h2.${body}.${codeOf(body).toString('base64url')}`, token)).toEqual(
      REFUSED,
    );
  });

  it.each(['', 'h2.x', 'h1.e30.', `h2.${'x'.repeat(5_000)}.${'A'.repeat(43)}`, 'Ω'])(
    'that is none at all (%#) is invalid, naming it',
    async (handle) => {
      const answer = await api.post('/v1/complete', { handle, result: 2 });
      expect(answer).toMatchObject({
        status: 400,
        body: { code: 'invalid', faults: [expect.stringMatching(/^body\.handle:/)] },
      });
    },
  );

  it('completes by one call of the store', async () => {
    const { handle } = await begin('order-17');
    asked.length = 0;
    await api.post('/v1/complete', { handle, result: 1 });
    expect(asked).toEqual(['complete']);
  });
});
