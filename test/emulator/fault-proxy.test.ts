import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';

import { Firestore } from '@google-cloud/firestore';
import type { DocumentReference } from '@google-cloud/firestore';
import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest';

import { startFaultProxy } from '../support/fault-proxy.ts';
import type { FaultProxy } from '../support/fault-proxy.ts';

const ALREADY_EXISTS = 6;
const FAILED_PRECONDITION = 9;
const INTERNAL = 13;

let proxy: FaultProxy;
let proxied: Firestore;
let direct: Firestore;

beforeEach(async () => {
  const projectId = `demo-${randomUUID().slice(0, 8)}`;
  proxy = await startFaultProxy({ target: inject('firestoreHost') });
  proxied = client(projectId, proxy.host);
  direct = client(projectId, inject('firestoreHost'));
});

afterEach(async () => {
  await Promise.all([proxied.terminate(), direct.terminate()]);
  await proxy.stop();
});

function client(projectId: string, host: string): Firestore {
  return new Firestore({
    projectId,
    host,
    ssl: false,
    customHeaders: { Authorization: 'Bearer owner' },
  });
}

async function existsAtServer(path: string): Promise<boolean> {
  return (await direct.doc(path).get()).exists;
}

async function seenAtServer(document: DocumentReference): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const unsubscribe = document.onSnapshot((snapshot) => {
      if (!snapshot.exists) return;
      unsubscribe();
      resolve();
    }, reject);
  });
}

/** The gRPC code with which the write was refused, or `written`. */
async function outcome(write: Promise<unknown>): Promise<number | 'written'> {
  return write.then(
    () => 'written' as const,
    (error: { code: number }) => error.code,
  );
}

test('without a fault, writes, batch reads, queries and transactions pass unchanged', async () => {
  const text = 'x'.repeat(20_000);
  const batch = proxied.batch();
  for (let i = 0; i < 100; i += 1) batch.create(proxied.doc(`items/${i}`), { i, text });
  await batch.commit();

  const queried = await proxied.collection('items').orderBy('i').get();
  expect(queried.docs.map((doc) => doc.get('i'))).toEqual([...Array(100).keys()]);
  expect(queried.docs.every((doc) => doc.get('text') === text)).toBe(true);

  const all = await proxied.getAll(proxied.doc('items/7'), proxied.doc('items/none'));
  expect(all.map((doc) => doc.exists)).toEqual([true, false]);

  await proxied.runTransaction(async (transaction) => {
    const seven = await transaction.get(proxied.doc('items/7'));
    transaction.update(seven.ref, { i: (seven.get('i') as number) + 100 });
  });
  expect((await direct.doc('items/7').get()).get('i')).toBe(107);
});

test('without a fault, refusals arrive as the server sent them', async () => {
  const first = await proxied.doc('a/b').create({ n: 1 });
  await proxied.doc('a/b').update({ n: 2 });

  expect(await outcome(proxied.doc('a/b').create({ n: 3 }))).toBe(ALREADY_EXISTS);
  const stale = { lastUpdateTime: first.writeTime };
  expect(await outcome(proxied.doc('a/b').update({ n: 3 }, stale))).toBe(FAILED_PRECONDITION);
});

test('a create whose answer is lost is applied, and the repeat by the client is refused by it', async () => {
  proxy.loseAnswers({ times: 1 });

  expect(await outcome(proxied.doc('a/b').create({ n: 1 }))).toBe(ALREADY_EXISTS);

  expect(await existsAtServer('a/b')).toBe(true);
  expect(proxy.counts).toMatchObject({ lostAnswers: 1, dropped: 1, connections: 2, calls: 2 });
});

test('a conditional update whose answer is lost is applied, and its repeat finds the condition stale', async () => {
  const { writeTime } = await direct.doc('a/b').create({ n: 1 });
  proxy.loseAnswers({ times: 1 });

  const update = proxied.doc('a/b').update({ n: 2 }, { lastUpdateTime: writeTime });

  expect(await outcome(update)).toBe(FAILED_PRECONDITION);
  expect((await direct.doc('a/b').get()).get('n')).toBe(2);
});

test('an answer lost by a reset of the call alone reaches the caller as an unknown outcome', async () => {
  proxy.loseAnswers({ times: 1, cut: 'call' });

  expect(await outcome(proxied.doc('a/b').create({ n: 1 }))).toBe(INTERNAL);

  expect(await existsAtServer('a/b')).toBe(true);
  expect(proxy.counts).toMatchObject({ lostAnswers: 1, dropped: 0, connections: 1, calls: 1 });
});

test('a request that is lost is not applied', async () => {
  proxy.loseRequests({ times: 1, cut: 'call' });

  expect(await outcome(proxied.doc('a/b').create({ n: 1 }))).toBe(INTERNAL);

  expect(await existsAtServer('a/b')).toBe(false);
  expect(proxy.counts).toMatchObject({ lostRequests: 1, lostAnswers: 0 });
});

test('a request that is lost with its connection is repeated by the client and applied once', async () => {
  proxy.loseRequests({ times: 1 });

  expect(await outcome(proxied.doc('a/b').create({ n: 1 }))).toBe('written');

  expect(proxy.counts).toMatchObject({ lostRequests: 1, connections: 2, calls: 2 });
});

test('a fault befalls only calls of the chosen method', async () => {
  proxy.loseAnswers({ method: 'BatchGetDocuments', times: 1 });

  expect(await outcome(proxied.doc('a/b').create({ n: 1 }))).toBe('written');
  expect((await proxied.doc('a/b').get()).exists).toBe(true); // the client repeats reads itself

  expect(proxy.counts.lostAnswers).toBe(1);
});

test('while down, connections are cut and refused; afterwards the client gets through again', async () => {
  await proxied.doc('a/b').create({ n: 1 });
  proxy.down();
  expect(proxy.counts.dropped).toBe(1);

  const write = outcome(proxied.doc('a/c').create({ n: 1 }));
  const [host, port] = proxy.host.split(':');
  const [refusal] = (await once(connect(Number(port), host), 'error')) as [NodeJS.ErrnoException];
  expect(refusal.code).toBe('ECONNRESET');
  expect(await existsAtServer('a/c')).toBe(false);

  proxy.pass();
  expect(await write).toBe('written');
  expect(proxy.counts.refused).toBeGreaterThanOrEqual(1);
});

test('an answer that is held leaves the write applied and the caller waiting', async () => {
  proxy.delay(60_000);
  const write = outcome(proxied.doc('a/b').create({ n: 1 }));

  await seenAtServer(direct.doc('a/b'));
  expect(await Promise.race([write, Promise.resolve('waiting')])).toBe('waiting');

  proxy.pass();
  proxy.dropConnections();
  expect(await write).toBe(ALREADY_EXISTS);
});

test('a request that is held and then dropped never reaches the server', async () => {
  proxy.delay(60_000, 'request');
  const write = outcome(proxied.doc('a/b').create({ n: 1 }));
  await vi.waitFor(() => expect(proxy.counts.calls).toBe(1), 10_000);

  proxy.pass();
  proxy.dropConnections();

  // The client repeats the call: had the first one been applied, the repeat would be refused.
  expect(await write).toBe('written');
  expect(proxy.counts.calls).toBe(2);
});

test('equal seeds lose the same answers, another seed loses others', async () => {
  const lost = async (seed: number, collection: string): Promise<(number | 'written')[]> => {
    const seeded = await startFaultProxy({ target: inject('firestoreHost'), seed });
    const firestore = client('demo-seeds', seeded.host);
    seeded.loseAnswers({ probability: 0.5, cut: 'call' });
    const outcomes: (number | 'written')[] = [];
    for (let i = 0; i < 16; i += 1) {
      outcomes.push(await outcome(firestore.doc(`${collection}/${i}`).create({ i })));
    }
    await firestore.terminate();
    await seeded.stop();
    return outcomes;
  };

  const [first, again, other] = [
    await lost(7, randomUUID()),
    await lost(7, randomUUID()),
    await lost(8, randomUUID()),
  ];

  expect(new Set(first)).toEqual(new Set(['written', INTERNAL]));
  expect(again).toEqual(first);
  expect(other).not.toEqual(first);
});
