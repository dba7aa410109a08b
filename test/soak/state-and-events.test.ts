import { randomUUID } from 'node:crypto';
import { Firestore } from '@google-cloud/firestore';
import { afterAll, beforeAll, inject } from 'vitest';
import { firestoreEvents } from '../../functions/src/adapters/firestore/events.ts';
import { firestoreState } from '../../functions/src/adapters/firestore/state.ts';
import { eventLogContract } from '../contract/event-log.contract.ts';
import { stateStoreContract } from '../contract/state-store.contract.ts';

let firestore: Firestore;

beforeAll(async () => {
  firestore = new Firestore({
    projectId: 'demo-soak',
    host: inject('firestoreHost'),
    ssl: false,
    customHeaders: { Authorization: 'Bearer owner' },
  });
  await firestore.doc('warm/up').get();
});

afterAll(() => firestore.terminate());

stateStoreContract({
  name: 'firestore, in full',
  updatesEach: 50,
  async open() {
    const id = randomUUID();
    const collections = { heads: `heads-${id}`, versions: `versions-${id}` };
    return {
      store: firestoreState(firestore, { collections }),
      later: async () => {},
      close: async () => {},
    };
  },
});

eventLogContract({
  name: 'firestore, in full',
  longReplay: 10_000,
  async open() {
    const id = randomUUID();
    const log = firestoreEvents(firestore, { events: `events-${id}`, snapshots: `snaps-${id}` });
    return { ...log, close: async () => {} };
  },
});
