import { randomUUID } from 'node:crypto';
import { Firestore } from '@google-cloud/firestore';
import { afterAll, beforeAll, inject } from 'vitest';
import { firestoreEvents } from '../../functions/src/adapters/firestore/events.ts';
import { eventLogContract } from './event-log.contract.ts';

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

eventLogContract({
  name: 'firestore',
  // The emulator takes seconds to page through ten thousand: those are in test/soak.
  longReplay: 1_000,
  async open() {
    const id = randomUUID();
    const log = firestoreEvents(firestore, { events: `events-${id}`, snapshots: `snaps-${id}` });
    return { ...log, close: async () => {} };
  },
});
