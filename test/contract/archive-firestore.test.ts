import { Timestamp } from '@google-cloud/firestore';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { z } from 'zod';
import { firestoreStore } from '../../functions/src/adapters/firestore/store.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import { archiveShard } from '../../functions/src/engine/archive-shard.ts';
import { guardCall } from '../../functions/src/engine/once.ts';
import { readCold } from '../../functions/src/engine/read-cold.ts';
import { registerSteps } from '../../functions/src/engine/register-steps.ts';
import { restoreOperation } from '../../functions/src/engine/restore.ts';
import { runTask } from '../../functions/src/engine/run-task.ts';
import { defineStep } from '../../functions/src/engine/step.ts';
import type { ArchivedRecord } from '../../functions/src/operation/record.ts';
import type { TokenStore } from '../../functions/src/ports/token-store.ts';
import { documentId, keyToken } from '../../functions/src/token/token.ts';
import type { Namespace } from '../../functions/src/token/token.ts';
import { memoryCold } from '../support/cold-memory.ts';
import type { MemoryCold } from '../support/cold-memory.ts';
import { countedFirestore } from '../support/counted-firestore.ts';
import type { CountedFirestore } from '../support/counted-firestore.ts';
import { deliver, engineRuntime } from '../support/engine-runtime.ts';

const SHOP = 'shop' as Namespace;
const BY = { actor: 'ops@example.com', reason: 'audit 12' };
const BRIEF = { name: 'brief', ttlMs: 1, capMs: 1, forgetMs: 90 * 86_400_000 };

let counted: CountedFirestore;
let store: TokenStore;
let storage: MemoryCold;

beforeEach(async () => {
  counted = countedFirestore(inject('firestoreHost'));
  store = firestoreStore(counted.connection, systemClock, { shards: 1 });
  storage = memoryCold(Date.now);
  await counted.connection.firestore.doc('warm/up').get();
});

afterEach(() => store.close());

let ran = 0;

/** One guarded call by a process of its own. */
function asked(key: string) {
  const runtime = engineRuntime(store, { cold: storage.cold });
  const request = { namespace: SHOP, action: 'test.pay', params: {}, key };
  const terms = { effect: 'idempotent', retention: BRIEF } as const;
  return guardCall(runtime, { ...request, ...terms }, () => (ran += 1));
}

function archive() {
  const runtime = engineRuntime(store);
  const options = { shard: 0, until: store.now() + 60_000, budgetMs: Infinity };
  return archiveShard(runtime, storage.cold, options);
}

async function archived(count: number): Promise<void> {
  ran = 0;
  for (let index = 0; index < count; index += 1) await asked(`pay ${index}`);
  expect(await archive()).toMatchObject({ moved: count });
  counted.take();
}

test('a late call is answered by a refused create, one read and one range, and runs nothing', async () => {
  await archived(20);
  const answer = await asked('pay 7');
  expect(answer).toEqual({ result: 8, replayed: true });
  expect(ran).toBe(20);
  expect(counted.take()).toEqual({ Commit: 1, BatchGetDocuments: 1 });
  expect(storage.takeReads()).toEqual([expect.any(Number)]);
});

test('a result is had by reading one document and one range of at most 64 KiB', async () => {
  await archived(20);
  const found = await store.get(SHOP, keyToken(SHOP, 'pay 3'));
  const runtime = engineRuntime(store, { cold: storage.cold });
  expect(await readCold(runtime, found?.record as ArchivedRecord)).toMatchObject({
    status: 'completed',
    result: { kind: 'inline', text: '4' },
  });
  expect(counted.take()).toEqual({ BatchGetDocuments: 1 });
  const [bytes, ...others] = storage.takeReads();
  expect(bytes).toBeLessThanOrEqual(64 * 1024);
  expect(others).toEqual([]);
});

test('the archiver costs one query a page and one write a record', async () => {
  ran = 0;
  for (let index = 0; index < 20; index += 1) await asked(`pay ${index}`);
  counted.take();
  await archive();
  expect(counted.take()).toEqual({ RunQuery: 1, Commit: 20 });
  await archive();
  expect(counted.take()).toEqual({ RunQuery: 1 });
});

test('the hot path’s calls are the same with cold storage as without', async () => {
  const step = defineStep({
    action: 'test.ship',
    effect: 'idempotent',
    params: z.object({}),
    run: () => 'shipped',
  });
  const costs = async (cold: boolean, key: string) => {
    const runtime = engineRuntime(store, cold ? { cold: storage.cold } : {});
    const delivery = deliver(step.task({}), Date.now(), { key });
    counted.take();
    await runTask(runtime, registerSteps([step]), delivery);
    const first = counted.take();
    await runTask(engineRuntime(store, { cold: storage.cold }), registerSteps([step]), delivery);
    return { first, duplicate: counted.take() };
  };
  expect(await costs(true, 'a')).toEqual(await costs(false, 'b'));
  expect(storage.takeReads()).toEqual([]);
});

test('a stub has the time of its removal as a timestamp, which Firestore’s TTL needs', async () => {
  await archived(1);
  const token = keyToken(SHOP, 'pay 0');
  const { firestore } = counted.connection;
  const document = firestore.collection('operations').doc(documentId(SHOP, token));
  const stub = await document.get();
  const forgetAt: unknown = stub.get('forgetAt');
  expect(forgetAt).toBeInstanceOf(Timestamp);
  const at = (forgetAt as Timestamp).toMillis();
  expect(at).toBeGreaterThan(Date.now() + BRIEF.forgetMs - 60_000);
  expect((await store.get(SHOP, token))?.record).toMatchObject({ forgetAt: at });
  // The scan's fields are gone: no query of the archiver finds it again.
  for (const field of ['expireAt', 'dueAt', 'result']) expect(stub.get(field)).toBeUndefined();

  const runtime = engineRuntime(store, { cold: storage.cold });
  await restoreOperation(runtime, SHOP, token, BY);
  expect((await document.get()).get('forgetAt')).toBeUndefined();
  expect((await store.get(SHOP, token))?.record).toMatchObject({ status: 'completed' });
});
