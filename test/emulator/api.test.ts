import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Firestore } from '@google-cloud/firestore';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { firestoreAuditLog } from '../../functions/src/adapters/firestore/audit-log.ts';
import { firestoreStore } from '../../functions/src/adapters/firestore/store.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import type { TokenStore } from '../../functions/src/ports/token-store.ts';
import { createClient } from '../../functions/src/client/index.ts';
import { countedFirestore } from '../support/counted-firestore.ts';
import type { CountedFirestore } from '../support/counted-firestore.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import type { FaultProxy } from '../support/fault-proxy.ts';
import { DEVELOPMENT_TOKEN, serveApi } from '../unit/api/service.ts';
import type { ServedApi } from '../unit/api/service.ts';

let counted: CountedFirestore;
let other: Firestore;
let proxy: FaultProxy;
/** Two instances of the service on one database; the second one's network can fail. */
let api: ServedApi;
let second: ServedApi;

beforeAll(async () => {
  counted = countedFirestore(inject('firestoreHost'));
  proxy = await startFaultProxy({ target: inject('firestoreHost') });
  const { projectId } = counted.firestore as unknown as { projectId: string };
  other = new Firestore({
    projectId,
    host: proxy.host,
    ssl: false,
    customHeaders: { Authorization: 'Bearer owner' },
  });
  api = await served(counted.firestore);
  second = await served(other);
  await counted.firestore.doc('warm/up').get();
  await other.doc('warm/up').get();
});

afterAll(async () => {
  while (underWay.size > 0) await Promise.allSettled(underWay);
  await Promise.all([api.close(), second.close()]);
  await Promise.all([counted.firestore.terminate(), other.terminate()]);
  await proxy.stop();
});

function served(firestore: Firestore): Promise<ServedApi> {
  const stay = { close: async () => {} };
  return serveApi({
    store: watched({ ...firestoreStore(firestore, systemClock), ...stay }),
    audit: { ...firestoreAuditLog(firestore), ...stay },
    runtime: { limits: { claimAnswerMs: 4_500, recordAnswerMs: 4_500 } },
  });
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

    const { body: next } = await api.post('/v1/begin', { ...charge(), effect: 'idempotent' });
    counted.take();
    expect((await api.post('/v1/complete', { handle: next.handle, result: 1 })).status).toBe(200);
    expect(counted.take()).toEqual({ Commit: 1 });
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
    const first = await second.get(`${path}?limit=2`);
    const rest = await second.get(`${path}?limit=2&after=${first.body.next}`);
    const entries = [...first.body.entries, ...rest.body.entries];
    expect(entries.map(({ verb }: { verb: string }) => verb)).toEqual(['hold', 'unhold', 'expire']);
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

describe('with Firestore away', () => {
  it('begin is answered 503 within 5 s, and a client runs no effect', async () => {
    proxy.down();
    const askedAt = performance.now();
    const answer = await second.post('/v1/begin', charge());
    expect(performance.now() - askedAt).toBeLessThan(5_000);
    expect(answer).toMatchObject({ status: 503, body: { code: 'store_away', retryable: true } });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);

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
    await expect.poll(state, { timeout: 20_000, interval: 200 }).toBe('free');
    expect((await api.post('/v1/begin', operation)).status).toBe(201);
  });
});
