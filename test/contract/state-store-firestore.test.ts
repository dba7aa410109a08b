import { randomUUID } from 'node:crypto';
import { Firestore } from '@google-cloud/firestore';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { firestoreState } from '../../functions/src/adapters/firestore/state.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import { updateState } from '../../functions/src/engine/versioned-state.ts';
import type { StateStore } from '../../functions/src/ports/state-store.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import type { FaultProxy } from '../support/fault-proxy.ts';
import { account, ACCOUNT, SHOP, tokenOf } from './state-store-fixture.ts';
import { stateStoreContract } from './state-store.contract.ts';

let firestore: Firestore;

function connect(host: string): Firestore {
  return new Firestore({
    projectId: 'demo-contract',
    host,
    ssl: false,
    customHeaders: { Authorization: 'Bearer owner' },
  });
}

function openStore(client: Firestore): StateStore {
  const id = randomUUID();
  const collections = { heads: `heads-${id}`, versions: `versions-${id}` };
  return firestoreState(client, { collections });
}

beforeAll(async () => {
  firestore = connect(inject('firestoreHost'));
  await firestore.doc('warm/up').get(); // a cold emulator takes seconds over its first call
}, 60_000);

afterAll(() => firestore.terminate());

stateStoreContract({
  name: 'firestore',
  // One document takes tens of updates a second: the full fifty are in test/soak.
  updatesEach: 10,
  async open() {
    // Its commit times are finer than any pause: they move on by themselves.
    return { store: openStore(firestore), later: async () => {}, close: async () => {} };
  },
});

describe('state store: firestore, on the wire', () => {
  let proxy: FaultProxy;
  let client: Firestore;

  beforeAll(async () => {
    proxy = await startFaultProxy({ target: inject('firestoreHost') });
    client = connect(proxy.host);
  });

  afterAll(async () => {
    await client.terminate();
    await proxy.stop();
  });

  function bench() {
    const store = openStore(client);
    return { store, runtime: { store, clock: systemClock, random: () => 0 } };
  }

  const increment = (current: { balance: number } | undefined) => ({
    balance: (current?.balance ?? 0) + 1,
  });

  test('an update that meets nobody is one read and one commit', async () => {
    const { runtime } = bench();
    await updateState(runtime, account, increment, { token: tokenOf('a') });
    const before = proxy.counts.calls;
    await updateState(runtime, account, increment, { token: tokenOf('b') });
    expect(proxy.counts.calls - before).toBe(2);
  });

  test.each(['connection', 'call'] as const)('a lost %s makes one version', async (cut) => {
    const { store, runtime } = bench();
    await updateState(runtime, account, increment, { token: tokenOf('a') });
    const { lostAnswers, lostRequests } = proxy.counts;
    proxy.loseAnswers({ times: 1, cut });
    const second = await updateState(runtime, account, increment, { token: tokenOf('b') });
    proxy.loseRequests({ times: 1, cut });
    const third = await updateState(runtime, account, increment, { token: tokenOf('c') });
    proxy.pass();
    expect(proxy.counts.lostAnswers - lostAnswers).toBe(1);
    expect(proxy.counts.lostRequests - lostRequests).toBe(1);
    expect([second.version, third.version]).toEqual([2, 3]);
    const { versions } = await store.history(SHOP, ACCOUNT, { limit: 9 });
    expect(versions.map(({ text }) => text)).toEqual(
      [1, 2, 3].map((balance) => `{"balance":${balance}}`),
    );
  });
});
