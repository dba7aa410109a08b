import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { FirestoreConnection } from '../../functions/src/adapters/firestore/connect.ts';
import type { TokenStore } from '../../functions/src/ports/token-store.ts';
import { createClient } from '../../functions/src/client/index.ts';
import type { AuditEntry } from '../../functions/src/client/index.ts';
import { countedFirestore } from '../support/counted-firestore.ts';
import type { CountedFirestore } from '../support/counted-firestore.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import type { FaultProxy } from '../support/fault-proxy.ts';
import { serveOnFirestore } from '../unit/api/serve-on-firestore.ts';
import { DEVELOPMENT_TOKEN } from '../unit/api/service.ts';
import { emulatedFirestore } from '../support/firestore.ts';
import type { ServedApi } from '../unit/api/service.ts';

let counted: CountedFirestore;
let other: FirestoreConnection;
let proxy: FaultProxy;
/** Two instances of the service on one database; the second one's network can fail. */
let api: ServedApi;
let second: ServedApi;

beforeAll(async () => {
  counted = countedFirestore(inject('firestoreHost'));
  proxy = await startFaultProxy({ target: inject('firestoreHost') });
  other = emulatedFirestore(proxy.host, counted.projectId);
  api = await served(counted.connection);
  second = await served(other);
  await counted.connection.firestore.doc('warm/up').get();
  await other.firestore.doc('warm/up').get();
});

afterAll(async () => {
  while (underWay.size > 0) await Promise.allSettled(underWay);
  await Promise.all([api.close(), second.close()]);
  await Promise.all([counted.connection.close(), other.close()]);
  await proxy.stop();
});

function served(connection: FirestoreConnection): Promise<ServedApi> {
  const limits = { claimAnswerMs: 4_500, recordAnswerMs: 4_500 };
  return serveOnFirestore(connection, watched, { limits });
}

const underWay = new Set<Promise<unknown>>();

/** Notes what the store is doing, since what is answered too late goes on after its caller. */
function watched(store: TokenStore): TokenStore {
  return new Proxy(store, {
    get(target, name: keyof TokenStore) {
      const verb: unknown = target[name];
      if (typeof verb !== 'function' || name === 'now') return verb;
      return (...asked: unknown[]) => {
        const answer = Promise.resolve(verb(...asked) as unknown);
        underWay.add(answer);
        const over = () => underWay.delete(answer);
        answer.then(over, over);
        return answer;
      };
    },
  });
}

const charge = () => ({ key: randomUUID(), action: 'payments.charge', params: { cents: 100 } });

describe('the service on Firestore', () => {
  it('claims with one commit, completes with one on another instance, and reads for neither', async () => {
    const operation = { ...charge(), effect: 'idempotent' };
    counted.take();
    const { body: begun } = await api.post('/v1/begin', operation);
    expect(counted.take()).toEqual({ Commit: 1 });

    const moved = await second.post('/v1/complete', { handle: begun.handle, result: { ok: 1 } });
    expect(moved.status).toBe(200);
    const replayed = await api.post('/v1/begin', operation);
    expect(replayed).toMatchObject({ status: 200, body: { operation: { result: { ok: 1 } } } });

    for (const begin of [api, second]) {
      const { body: next } = await begin.post('/v1/begin', { ...charge(), effect: 'idempotent' });
      counted.take();
      expect((await api.post('/v1/complete', { handle: next.handle, result: 1 })).status).toBe(200);
      expect(counted.take()).toEqual({ Commit: 1 });
    }
  });

  it('records with one commit, and answers the same record again without a call', async () => {
    const operation = charge();
    counted.take();
    expect((await api.post('/v1/record', { ...operation, result: 1 })).status).toBe(201);
    expect(counted.take()).toEqual({ Commit: 1 });
    expect((await api.post('/v1/record', { ...operation, result: 1 })).status).toBe(200);
    expect(counted.take()).toEqual({});
    expect((await second.post('/v1/record', { ...operation, result: 1 })).status).toBe(200);
    expect((await second.post('/v1/record', { ...operation, result: 2 })).status).toBe(409);
  });

  it('refuses a forged handle without a call', async () => {
    const { body } = await api.post('/v1/begin', charge());
    const [version, claim] = (body.handle as string).split('.');
    counted.take();
    const forged = `${version}.${claim}.${'A'.repeat(43)}`;
    const answer = await api.post('/v1/complete', { handle: forged, result: 1 });
    expect(answer).toMatchObject({ status: 409, body: { code: 'claim_lost' } });
    expect(counted.take()).toEqual({});
  });

  it('keeps versioned state, written over what was seen only', async () => {
    const entity = `account/${randomUUID()}`;
    const write = (ifVersion: number, value: unknown, key: string, on = api) =>
      on.post('/v1/state', { entity, ifVersion, value, key });
    expect((await write(0, 1, 'a')).status).toBe(201);
    expect((await write(1, 2, 'b', second)).status).toBe(201);
    expect((await write(0, 1, 'a', second)).status).toBe(200);
    expect(await write(1, 3, 'c')).toMatchObject({ status: 409, body: { version: 2 } });
    expect((await api.get(`/v1/state?entity=${entity}`)).body).toMatchObject({
      version: 2,
      value: 2,
    });
    const { body: first } = await second.get(`/v1/state?entity=${entity}&version=1`);
    const asOf = Math.ceil(first.at as number);
    const { body: then } = await api.get(`/v1/state?entity=${entity}&asOf=${asOf}`);
    expect(then.version).toBeLessThanOrEqual(2);
    const { body: history } = await api.get(`/v1/state/history?entity=${entity}&limit=1`);
    expect(history).toMatchObject({ versions: [{ value: 1 }], next: 1 });
    const other = await api.get(`/v1/state?entity=${entity}`, { as: 'agent@bank' });
    expect(other.status).toBe(404);
  });

  it('keeps events in the order of logical time, each once', async () => {
    const { body: root } = await api.post('/v1/begin', charge());
    const path = `/v1/events/${root.token}`;
    const first = (await api.post('/v1/time/tick')).body.logicalTime as number;
    const later = (await second.post('/v1/time/tick', { received: first })).body.logicalTime;
    expect(later).toBeGreaterThan(first);
    const event = (key: string, logicalTime: number) => ({
      key,
      type: 'Paid',
      data: key,
      logicalTime,
    });
    expect((await second.post(path, { events: [event('b', later)] })).status).toBe(201);
    expect((await api.post(path, { events: [event('a', first)] })).status).toBe(201);
    expect((await api.post(path, { events: [event('b', later)] })).status).toBe(200);
    const { body: page } = await api.get(`${path}?limit=1`);
    const { body: rest } = await api.get(`${path}?limit=9&after=${page.next}`);
    const data = [...page.events, ...rest.events].map((it: { data: string }) => it.data);
    expect(data).toEqual(['a', 'b']);
  });

  it('checks a hundred operations with one read, and none that it has seen settled', async () => {
    const { body: begun } = await api.post('/v1/begin', charge());
    const operations = Array.from({ length: 100 }, charge);
    counted.take();
    const { body } = await api.post('/v1/check-batch', { operations });
    expect(body.answers).toHaveLength(100);
    expect(counted.take()).toEqual({ BatchGetDocuments: 1 });

    await api.post('/v1/complete', { handle: begun.handle, result: 1 });
    await api.post('/v1/check', {
      token: begun.token,
      action: 'payments.charge',
      params: { cents: 100 },
    });
    counted.take();
    const again = await api.post('/v1/check', {
      token: begun.token,
      action: 'payments.charge',
      params: { cents: 100 },
    });
    expect(again.body.state).toBe('completed');
    expect(counted.take()).toEqual({});
  });

  it('lets one of a hundred racing clients run; the others wait, or fail fast, as they chose', async () => {
    const operation = charge();
    let runs = 0;
    const effect = async () => {
      runs += 1;
      await delay(200);
      return 'charged';
    };
    const racing = Array.from({ length: 100 }, (_, index) => {
      const url = index % 2 === 0 ? api.url : second.url;
      const client = createClient({ url, token: DEVELOPMENT_TOKEN, deadlineMs: 30_000 });
      const waits = index % 4 < 3;
      return client.once({ ...operation, waitMs: waits ? 40_000 : 0 }, effect).then(
        ({ result }) => result,
        (error: { problem?: { code: string } }) => {
          if (waits) throw error;
          return error.problem?.code;
        },
      );
    });
    const answers = await Promise.all(racing);
    expect(runs).toBe(1);
    expect(answers.filter((answer) => answer === 'charged').length).toBeGreaterThanOrEqual(75);
    expect(new Set(answers).difference(new Set(['charged', 'in_flight']))).toEqual(new Set());
  });

  it('has one of twenty records win', async () => {
    const operation = charge();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        (n % 2 === 0 ? api : second).post('/v1/record', { ...operation, result: n % 10 }),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.code === 'other_outcome')).toHaveLength(18);
  });

  it('keeps interventions with who and why, page by page', async () => {
    const { body: begun } = await api.post('/v1/begin', charge());
    await api.post('/v1/complete', { handle: begun.handle, result: 1 });
    const path = `/v1/operations/${begun.token}/interventions`;
    for (const [index, verb] of ['hold', 'unhold', 'expire'].entries()) {
      const body = { verb, reason: `step ${index}`, fence: begun.fence + index };
      expect((await api.post(path, body, { as: 'operator@shop' })).status).toBe(200);
    }
    const first = await second.get(`${path}?limit=4`);
    const rest = await second.get(`${path}?limit=4&after=${first.body.next}`);
    const entries = [...first.body.entries, ...rest.body.entries] as AuditEntry[];
    const told = entries.map(({ verb, phase }) => `${verb} ${phase}`);
    const verbs = ['hold', 'unhold', 'expire'];
    expect(told).toEqual(verbs.flatMap((verb) => [`${verb} intended`, `${verb} done`]));
  });

  it('lists a workflow’s operations', async () => {
    const { body: root } = await api.post('/v1/begin', { ...charge(), logicalTime: 1 });
    for (const logicalTime of [2, 3]) {
      const place = { root: root.token, path: `p${logicalTime}`, logicalTime };
      expect((await api.post('/v1/begin', place)).status).toBe(201);
    }
    const { body } = await second.get(`/v1/ledger/${root.token}?limit=2`);
    const { body: rest } = await second.get(`/v1/ledger/${root.token}?limit=2&after=${body.next}`);
    const times = [...body.operations, ...rest.operations].map(
      (operation: { logicalTime: number }) => operation.logicalTime,
    );
    expect(times).toEqual([1, 2, 3]);
  });
});

describe('the listing by status on Firestore', () => {
  it('has each operation of the namespace once, over pages of two instances', async () => {
    // Nothing else in this file leaves operations in doubt.
    const tokens = await Promise.all(Array.from({ length: 7 }, () => leftInDoubt('agent@shop')));
    const others = await Promise.all(Array.from({ length: 2 }, () => leftInDoubt('agent@bank')));
    const options = { token: `${DEVELOPMENT_TOKEN}:operator@shop` };
    const clients = [api, second].map(({ url }) => createClient({ url, ...options }));
    const listed: string[] = [];
    const pages: string[] = [];
    let after: string | undefined;
    do {
      const page = { limit: 3, ...(after !== undefined && { after }) };
      const client = clients[pages.length % 2]!;
      const { operations, next } = await client.byStatus('in_doubt', page);
      expect(operations.every(({ state, error }) => state === 'in_doubt' && error)).toBe(true);
      listed.push(...operations.map(({ token }) => token));
      after = next;
      if (next !== undefined) pages.push(next);
    } while (after !== undefined);
    expect(listed).toHaveLength(7);
    expect(listed.toSorted()).toEqual(tokens.toSorted());
    expect(pages).toHaveLength(2);

    const asBank = (query: string) =>
      api.get(`/v1/operations?status=in_doubt${query}`, { as: 'agent@bank' });
    const own = (await asBank('')).body.operations as { token: string }[];
    expect(own.map(({ token }) => token).toSorted()).toEqual(others.toSorted());
    expect((await asBank(`&after=${pages[0]}`)).status).toBe(400);
  });

  async function leftInDoubt(as: string): Promise<string> {
    const { body } = await api.post('/v1/begin', charge(), { as });
    const error = { code: 'reset', message: 'socket hang up' };
    const failed = await api.post('/v1/fail', { handle: body.handle, error }, { as });
    expect(failed.body.state).toBe('in_doubt');
    return body.token as string;
  }
});

describe('with Firestore away', () => {
  it('begin is answered 503 within 5 s, and a client runs no effect', async () => {
    proxy.down();
    const askedAt = performance.now();
    const answer = await second.post('/v1/begin', charge());
    expect(performance.now() - askedAt).toBeLessThan(5_000);
    expect(answer).toMatchObject({ status: 503, body: { code: 'store_away', retryable: true } });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);

    const entity = 'account/1';
    const root = `k1_${'A'.repeat(43)}`;
    const others = await Promise.all([
      second.post('/v1/check', charge()),
      second.post('/v1/record', { ...charge(), result: 1 }),
      second.get(`/v1/operations/${root}`),
      second.get(`/v1/ledger/${root}`),
      second.get('/v1/operations?status=in_doubt', { as: 'operator@shop' }),
      second.get(`/v1/state?entity=${entity}`),
      second.post('/v1/state', { entity, ifVersion: 0, value: 1, key: 'a' }),
      second.get(`/v1/events/${root}`),
      second.get(`/v1/operations/${root}/interventions`),
    ]);
    for (const { status, body, headers } of others) {
      expect({ status, code: body.code }).toEqual({ status: 503, code: 'store_away' });
      expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    }

    let runs = 0;
    const client = createClient({ url: second.url, token: DEVELOPMENT_TOKEN, deadlineMs: 1_000 });
    await expect(client.once(charge(), () => (runs += 1))).rejects.toMatchObject({
      code: 'service_away',
    });
    expect(runs).toBe(0);
    proxy.pass();
  });

  it('a begin whose answer comes too late is released, and anyone may begin it', async () => {
    const operation = charge();
    proxy.delay(6_000);
    expect((await second.post('/v1/begin', operation)).status).toBe(503);
    proxy.pass();
    const state = async () => (await api.post('/v1/check', operation)).body.state as string;
    await expect.poll(state, { timeout: 20_000, interval: 200 }).toMatch(/free|absent/);
    expect((await api.post('/v1/begin', operation)).status).toBe(201);
  });
});
