import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Firestore } from '@google-cloud/firestore';
import { afterAll, beforeAll, inject } from 'vitest';
import { firestoreDocuments } from '../../functions/src/adapters/firestore/documents.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import { tokenStoreContract } from './token-store.contract.ts';

let firestore: Firestore;

beforeAll(async () => {
  firestore = new Firestore({
    projectId: 'demo-contract',
    host: inject('firestoreHost'),
    ssl: false,
    customHeaders: { Authorization: 'Bearer owner' },
  });
  await firestore.doc('warm/up').get(); // a cold emulator takes seconds over its first call
}, 60_000);

afterAll(() => firestore.terminate());

tokenStoreContract({
  name: 'firestore',
  async open() {
    const own = randomUUID();
    const collections = { operations: `operations-${own}`, workflows: `workflows-${own}` };
    const documents = firestoreDocuments(firestore, systemClock, collections);
    return {
      documents,
      async advance(ms) {
        const until = documents.now() + ms;
        while (documents.now() < until) await delay(until - documents.now());
      },
      close: async () => {},
    };
  },
});
