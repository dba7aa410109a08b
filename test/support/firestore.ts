import type { Firestore } from '@google-cloud/firestore';
import { afterAll, beforeAll, inject } from 'vitest';
import { connectFirestore } from '../../functions/src/adapters/firestore/connect.ts';
import type { FirestoreConnection } from '../../functions/src/adapters/firestore/connect.ts';

/** A connection to the emulator at `host`, with an owner's rights. */
export function emulatedFirestore(host: string, projectId = 'demo-contract'): FirestoreConnection {
  return connectFirestore({ projectId, host, ssl: false });
}

/** The run's Firestore emulator, for the tests of the file that calls this; up once they begin. */
export function sharedConnection(): () => FirestoreConnection {
  let connection: FirestoreConnection | undefined;
  beforeAll(async () => {
    connection = emulatedFirestore(inject('firestoreHost'));
    await connection.firestore.doc('warm/up').get(); // a cold emulator takes seconds over its first call
  }, 60_000);
  afterAll(() => connection?.close());
  return () => {
    if (connection) return connection;
    throw new Error('The Firestore emulator is there once the tests of this file run.');
  };
}

/** As {@link sharedConnection}, of which the client for reads is all that is needed. */
export function sharedFirestore(): () => Firestore {
  const connection = sharedConnection();
  return () => connection().firestore;
}
