import { randomUUID } from 'node:crypto';
import { Firestore } from '@google-cloud/firestore';
import { afterAll, beforeAll, inject } from 'vitest';
import { firestoreDocuments } from '../../functions/src/adapters/firestore/documents.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import { workflowContract } from './workflow.contract.ts';

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

workflowContract({
  name: 'firestore',
  async open() {
    const own = randomUUID();
    return firestoreDocuments(firestore, systemClock, {
      operations: `operations-${own}`,
      workflows: `workflows-${own}`,
    });
  },
});
