import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient } from '../../../functions/src/client/index.ts';
import type { Client } from '../../../functions/src/client/index.ts';
import { embeddedState } from '../../../functions/src/adapters/embedded/state.ts';
import { settableClock } from '../../support/settable-clock.ts';
import { DEVELOPMENT_TOKEN, serveApi } from './service.ts';
import type { ServedApi } from './service.ts';

const clock = settableClock();
let api: ServedApi;
let client: Client;

beforeEach(async () => {
  api = await serveApi({ service: { state: embeddedState(':memory:', clock) } });
  client = createClient({ url: api.url, token: DEVELOPMENT_TOKEN });
});

afterEach(() => api.close());

const ENTITY = 'account/4711';
const PATH = '/v1/state';
const READ = `${PATH}?entity=${ENTITY}`;
const HISTORY = `${PATH}/history?entity=${ENTITY}`;

function write(ifVersion: number, value: unknown, key: string) {
  return api.post(PATH, { entity: ENTITY, ifVersion, value, key });
}

describe('an entity’s state', () => {
  it('is written over what was seen, and read with its version', async () => {
    expect((await api.get(READ)).status).toBe(404);
    expect(await write(0, { cents: 100 }, 'w1')).toMatchObject({
      status: 201,
      body: { version: 1 },
    });
    const read = await api.get(READ);
    expect(read).toMatchObject({
      status: 200,
      body: { version: 1, value: { cents: 100 }, schemaVersion: 1 },
    });
    expect((await write(1, null, 'w2')).body.version).toBe(2);
    expect((await api.get(READ)).body.value).toBeNull();
  });

  it('is not written over what the writer has not seen', async () => {
    await write(0, 1, 'w1');
    await write(1, 2, 'w2');
    const late = await write(1, 3, 'w3');
    expect(late).toMatchObject({
      status: 409,
      body: { code: 'conflict', version: 2, retryable: false },
    });
    expect((await api.get(READ)).body).toMatchObject({ version: 2, value: 2 });
    const absent = await api.post(PATH, {
      entity: 'account/none',
      ifVersion: 3,
      value: 1,
      key: 'w4',
    });
    expect(absent).toMatchObject({ status: 409, body: { version: 0 } });
  });

  it('that is written again under the write’s key is written once, and told so', async () => {
    await write(0, { a: 1, b: 2 }, 'w1');
    await write(1, 'later', 'w2');
    const again = await write(0, { b: 2, a: 1 }, 'w1');
    expect(again).toMatchObject({ status: 200, body: { version: 1 } });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect((await api.get(READ)).body).toMatchObject({ version: 2, value: 'later' });
  });

  it('refuses a key that wrote something else', async () => {
    await write(0, 1, 'w1');
    for (const [version, value] of [
      [0, 2],
      [1, 1],
    ] as const) {
      expect(await write(version, value, 'w1')).toMatchObject({
        status: 422,
        body: { code: 'mismatch' },
      });
    }
  });

  it('takes the write’s key from the header, and needs one', async () => {
    const headers = { 'Idempotency-Key': 'w1' };
    expect(
      (await api.post(PATH, { entity: ENTITY, ifVersion: 0, value: 1 }, { headers })).status,
    ).toBe(201);
    const keyless = await api.post(PATH, { entity: ENTITY, ifVersion: 1, value: 1 });
    expect(keyless).toMatchObject({
      status: 400,
      body: { faults: [expect.stringMatching(/^body\.key: is needed/)] },
    });
  });

  it('loses no update of twenty writers at once', async () => {
    const add = async (): Promise<void> => {
      for (;;) {
        const found = await client.readState('counter/c');
        const write = { ifVersion: found?.version ?? 0, value: Number(found?.value ?? 0) + 1 };
        const conflict = await client.writeState('counter/c', write).then(
          () => undefined,
          (error: { problem?: { code: string } }) => error,
        );
        if (!conflict) return;
        expect(conflict.problem?.code).toBe('conflict');
      }
    };
    await Promise.all(Array.from({ length: 20 }, add));
    expect(await client.readState('counter/c')).toMatchObject({ version: 20, value: 20 });
  });

  it('is read at a version, and as of a time', async () => {
    const times: number[] = [];
    for (const version of [0, 1, 2]) {
      clock.advance(1_000);
      times.push(clock.now());
      await write(version, `v${version + 1}`, `w${version}`);
    }
    const value = async (query: string) => (await api.get(`${READ}&${query}`)).body.value as string;
    expect(await value('version=1')).toBe('v1');
    expect((await api.get(`${READ}&version=9`)).status).toBe(404);
    expect(await value(`asOf=${Math.floor(times[1] ?? 0) + 500}`)).toBe('v2');
    expect((await api.get(`${READ}&asOf=1`)).status).toBe(404);
    expect((await api.get(`${READ}&asOf=1&version=1`)).status).toBe(400);
    expect((await api.get(`${READ}&asof=1`)).status).toBe(400);
  });

  it('has a history, page by page', async () => {
    for (const version of [0, 1, 2, 3, 4]) await write(version, version + 1, `w${version}`);
    const values: unknown[] = [];
    let after: number | undefined;
    do {
      const page = await client.stateHistory(ENTITY, {
        limit: 2,
        ...(after !== undefined && { after }),
      });
      values.push(...page.versions.map(({ value }) => value));
      after = page.next;
    } while (after !== undefined);
    expect(values).toEqual([1, 2, 3, 4, 5]);
  });

  it.each(['account/.', 'account/..', 'account/a/b', 'account/%2F', 'account/?c=d#e & ü 𝄞'])(
    'is that of %s and of no other, with values that JSON alone does not know',
    async (entity) => {
      const value = { at: { $date: '2026-01-31T00:00:00.000Z' }, n: { $bigint: '5' } };
      await client.writeState(entity, { ifVersion: 0, value });
      expect(await client.readState(entity)).toMatchObject({ value });
      expect((await client.stateHistory(entity)).versions).toHaveLength(1);
      expect(await client.readState('account/a')).toBeUndefined();
    },
  );

  it('is its namespace’s own', async () => {
    await write(0, 'of the shop', 'w1');
    const bank = { as: 'agent@bank' };
    expect((await api.get(READ, bank)).status).toBe(404);
    expect((await api.get(HISTORY, bank)).body).toEqual({ versions: [] });
    const other = await api.post(
      PATH,
      { entity: ENTITY, ifVersion: 0, value: 'of the bank', key: 'w1' },
      bank,
    );
    expect(other.status).toBe(201);
    expect((await api.get(READ)).body).toMatchObject({ version: 1, value: 'of the shop' });
  });

  it('is read by readers, and written by agents only', async () => {
    await write(0, 1, 'w1');
    const as = 'reader@shop';
    expect((await api.get(READ, { as })).status).toBe(200);
    const body = { entity: ENTITY, ifVersion: 1, value: 2, key: 'w2' };
    expect((await api.post(PATH, body, { as })).status).toBe(403);
  });

  it.each([
    { entity: 'Account/1' },
    { entity: 'account' },
    { entity: 'account/' },
    { entity: `account/${'ü'.repeat(300)}` },
    { entity: 'account/\u0000' },
    { ifVersion: -1 },
    { value: undefined },
    { value: { $date: 'yesterday' } },
    { token: `k1_${'A'.repeat(43)}` },
  ])('refuses a write with %j', async (fault) => {
    const write = { entity: ENTITY, ifVersion: 0, value: 1, key: 'k', ...fault };
    const answer = await api.post(PATH, write);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid' } });
    expect(answer.body.faults).toHaveLength(1);
  });

  it('refuses a value that is too large', async () => {
    expect(await write(0, 'x'.repeat(800_000), 'w1')).toMatchObject({
      status: 413,
      body: { code: 'too_large' },
    });
  });
});
