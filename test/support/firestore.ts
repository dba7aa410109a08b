import { Firestore } from '@google-cloud/firestore';
import { afterAll, beforeAll, inject } from 'vitest';

/** A client of the emulator at `host`, with an owner's rights. */
export function connectFirestore(host: string, projectId = 'demo-contract'): Firestore {
  return new Firestore({
    projectId,
    host,
    ssl: false,
    customHeaders: { Authorization: 'Bearer owner' },
  });
}

/** The run's Firestore emulator, for the tests of the file that calls this; up once they begin. */
export function sharedFirestore(): () => Firestore {
  let firestore: Firestore | undefined;
  beforeAll(async () => {
    firestore = connectFirestore(inject('firestoreHost'));
    await firestore.doc('warm/up').get(); // a cold emulator takes seconds over its first call
  }, 60_000);
  afterAll(() => firestore?.terminate());
  return () => {
    if (firestore) return firestore;
    throw new Error('The Firestore emulator is there once the tests of this file run.');
  };
}
