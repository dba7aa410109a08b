import { setTimeout as delay } from 'node:timers/promises';
import { Timestamp } from '@google-cloud/firestore';
import { expect, inject, test } from 'vitest';
import { firestoreStore } from '../../functions/src/adapters/firestore/store.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import { archiveShard } from '../../functions/src/engine/archive-shard.ts';
import { guardCall } from '../../functions/src/engine/once.ts';
import { RETENTION_CLASSES } from '../../functions/src/retention/classes.ts';
import { keyToken } from '../../functions/src/token/token.ts';
import type { Namespace } from '../../functions/src/token/token.ts';
import { memoryCold } from '../support/cold-memory.ts';
import { countedFirestore } from '../support/counted-firestore.ts';
import { engineRuntime } from '../support/engine-runtime.ts';

const SHOP = 'shop' as Namespace;
const TTL_MS = 4_000;
/** A look one second before expiry reaches it; one that a busy machine delays by seconds does so too. */
const CAP_MS = 6_500;
const FORGET_MS = 3_000;

/** One operation on a Firestore of its own, with a life of seconds by the store's own time. */
async function life(name: string) {
  const { connection } = countedFirestore(inject('firestoreHost'));
  const { firestore } = connection;
  const store = firestoreStore(connection, systemClock, { shards: 1 });
  await firestore.doc('warm/up').get();
  const { cold } = memoryCold(Date.now);
  const retention = { name, ttlMs: TTL_MS, capMs: CAP_MS, forgetMs: FORGET_MS };
  const madeAt = Date.now();
  let runs = 0;
  return {
    store,
    runs: () => runs,
    retry() {
      const runtime = engineRuntime(store, { cold, clock: { ...systemClock, now: () => madeAt } });
      const asked = { namespace: SHOP, action: 'a.b', params: {}, key: 'order-17', retention };
      return guardCall(runtime, { ...asked, effect: 'idempotent' }, () => (runs += 1));
    },
    archive: () =>
      archiveShard(engineRuntime(store), cold, { shard: 0, until: Infinity, budgetMs: Infinity }),
    async record() {
      return (await store.get(SHOP, keyToken(SHOP, 'order-17')))?.record as unknown as {
        readonly expireAt: number;
        readonly completedAt: number;
        readonly forgetAt: number;
      };
    },
    /** By the store's clock. */
    until: (at: number) => delay(Math.max(0, at - store.now())),
    /** What Firestore's TTL does, which the emulator has not. */
    async removeForgotten(): Promise<number> {
      const { docs } = await firestore
        .collection('operations')
        .where('forgetAt', '<=', Timestamp.now())
        .get();
      await Promise.all(docs.map((document) => document.ref.delete()));
      return docs.length;
    },
  };
}

test.concurrent.each(RETENTION_CLASSES)(
  'a life of seconds as $name: late retries before and after expiry, archive and forgetting',
  async ({ name }) => {
    const { store, retry, archive, record, until, removeForgotten, runs } = await life(name);
    expect(await retry()).toEqual({ result: 1, replayed: false });
    const { completedAt, expireAt } = await record();
    expect(expireAt - completedAt).toBeLessThanOrEqual(TTL_MS + 1);

    // One second before it expires: the look lengthens its life, to the cap and no further.
    await until(expireAt - 1_000);
    expect(await retry()).toEqual({ result: 1, replayed: true });
    expect(await archive()).toMatchObject({ moved: 0 });
    expect((await record()).expireAt).toBe(completedAt + CAP_MS);

    // One second after: hot or archived, it answers.
    await until(completedAt + CAP_MS + 1_000);
    expect(await retry()).toEqual({ result: 1, replayed: true });
    expect(await removeForgotten()).toBe(0);
    expect(await archive()).toMatchObject({ moved: 1 });
    expect(await retry()).toEqual({ result: 1, replayed: true });

    const { forgetAt } = await record();
    await until(forgetAt + 100);
    // Firestore's TTL may take a day: until then the stub answers.
    expect(await retry()).toEqual({ result: 1, replayed: true });
    expect(await removeForgotten()).toBe(1);
    await expect(retry()).rejects.toMatchObject({ outcome: { kind: 'expired' } });
    expect(runs()).toBe(1);
    await store.close();
  },
);
