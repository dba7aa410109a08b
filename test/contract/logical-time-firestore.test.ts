import { randomUUID } from 'node:crypto';
import { Firestore } from '@google-cloud/firestore';
import { afterAll, beforeAll, inject } from 'vitest';
import { firestoreLogicalTime } from '../../functions/src/adapters/firestore/logical-time.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { logicalTimeContract } from './logical-time.contract.ts';

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

logicalTimeContract({
  name: 'firestore',
  async open() {
    const store = firestoreLogicalTime(firestore, {
      clock: systemClock,
      random: seededRandom(3),
      collection: `times-${randomUUID()}`,
    });
    return { ...store, close: async () => {} };
  },
});
