import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient } from '../../../functions/src/client/index.ts';
import type { Client } from '../../../functions/src/client/index.ts';
import { embeddedLogicalTime } from '../../../functions/src/adapters/embedded/logical-time.ts';
import { keyToken } from '../../../functions/src/token/token.ts';
import type { Namespace } from '../../../functions/src/token/token.ts';
import { DEVELOPMENT_TOKEN, serveApi } from './service.ts';
import type { ServedApi } from './service.ts';

let api: ServedApi;
let client: Client;

beforeEach(async () => {
  api = await serveApi();
  client = createClient({ url: api.url, token: DEVELOPMENT_TOKEN });
});

afterEach(() => api.close());

const ROOT = keyToken('shop' as Namespace, 'order-17');
const PATH = `/v1/events/${ROOT}`;

const placed = (key: string, logicalTime: number) => ({
  key,
  logicalTime,
  type: 'OrderPlaced',
  data: { key },
});

describe('a root’s events', () => {
  it('are read in the order of logical time, whatever the order they came in', async () => {
    const appended = await api.post(PATH, { events: [placed('c', 3), placed('a', 1)] });
    expect(appended.status).toBe(201);
    await api.post(PATH, { events: [placed('b', 2)] });
    const { body } = await api.get(PATH);
    expect(body.events).toMatchObject([
      { type: 'OrderPlaced', data: { key: 'a' }, logicalTime: 1, schemaVersion: 1 },
      { data: { key: 'b' } },
      { data: { key: 'c' } },
    ]);
  });

  it('that are appended again fold away, and the answer says which are new', async () => {
    await api.post(PATH, { events: [placed('a', 1)] });
    const some = await api.post(PATH, { events: [placed('a', 9), placed('b', 2), placed('b', 2)] });
    expect(some.status).toBe(201);
    const told = some.body.events as { fresh: boolean }[];
    expect(told.map(({ fresh }) => fresh)).toEqual([false, true, false]);
    const none = await api.post(PATH, { events: [placed('a', 1), placed('b', 2)] });
    expect(none.status).toBe(200);
    expect(none.headers.get('idempotency-replayed')).toBe('true');
    const { events } = await client.readEvents(ROOT);
    expect(events.map(({ logicalTime }) => logicalTime)).toEqual([1, 2]);
  });

  it('are appended together or not at all', async () => {
    const answer = await api.post(PATH, {
      events: [placed('a', 1), { ...placed('b', 2), data: { $set: 'forged' } }, { type: 'X' }],
    });
    expect(answer.status).toBe(400);
    const wrong = await api.post(PATH, {
      events: [placed('a', 1), { type: 'X', logicalTime: 1, data: 1 }],
    });
    expect(wrong.body.faults).toEqual([expect.stringMatching(/^body\.events\.1\.key: is needed/)]);
    expect((await api.get(PATH)).body).toEqual({ events: [] });
  });

  it('come page by page', async () => {
    const events = Array.from({ length: 7 }, (_, n) => placed(`e${n}`, Math.floor(n / 2)));
    await client.appendEvents(ROOT, events);
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await client.readEvents(ROOT, {
        limit: 3,
        ...(after !== undefined && { after }),
      });
      seen.push(...page.events.map(({ data }) => (data as { key: string }).key));
      after = page.next;
    } while (after !== undefined);
    expect(seen).toHaveLength(7);
    expect(new Set(seen).size).toBe(7);
    for (const forged of ['x', '1.k1_x', `99999999999999999.${ROOT}`]) {
      expect((await api.get(`${PATH}?after=${forged}`)).status).toBe(400);
    }
  });

  it('are their namespace’s own', async () => {
    await api.post(PATH, { events: [placed('a', 1)] });
    const as = 'agent@bank';
    expect((await api.get(PATH, { as })).body).toEqual({ events: [] });
    expect((await api.post(PATH, { events: [placed('a', 1)] }, { as })).status).toBe(201);
    expect((await api.get(PATH)).body.events).toHaveLength(1);
    const reader = { as: 'reader@shop' };
    expect((await api.get(PATH, reader)).status).toBe(200);
    expect((await api.post(PATH, { events: [placed('z', 1)] }, reader)).status).toBe(403);
  });

  it('are refused where one is too large', async () => {
    const large = { ...placed('a', 1), data: 'x'.repeat(800_000) };
    expect((await api.post(PATH, { events: [large] })).status).toBe(413);
  });
});

describe('logical time', () => {
  it('grows, and is later than what was received', async () => {
    const first = await client.tick();
    expect(await client.tick()).toBeGreaterThan(first);
    expect(await client.tick(5_000)).toBe(5_001);
    expect(await client.tick(3)).toBeGreaterThan(5_001);
  });

  it('of another instance is beyond that of the first, which need not know it', async () => {
    const time = { ...embeddedLogicalTime(':memory:'), close: async () => {} };
    const one = await serveApi({ service: { time } });
    const two = await serveApi({ service: { time } });
    const tick = async (of: ServedApi, received?: number) =>
      (await of.post('/v1/time/tick', { received })).body.logicalTime as number;
    const first = await tick(one);
    const second = await tick(two);
    expect(second).toBeGreaterThan(first);
    expect(await tick(one)).toBeLessThan(second);
    expect(await tick(one, second)).toBeGreaterThan(second);
    await Promise.all([one.close(), two.close()]);
  });

  it('does not believe a leap that no clock has made', async () => {
    const answer = await api.post('/v1/time/tick', { received: 2 ** 51 });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid' } });
    expect(await client.tick()).toBeLessThan(100);
  });

  it('is each namespace’s own', async () => {
    await client.tick(1_000_000);
    const { body } = await api.post('/v1/time/tick', {}, { as: 'agent@bank' });
    expect(body.logicalTime).toBeLessThan(100);
  });
});
