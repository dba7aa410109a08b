import { Firestore } from '@google-cloud/firestore';

import { operationRecord } from '../../functions/src/adapters/firestore/operation-fields.ts';
import { COLLECTIONS } from '../../functions/src/names.ts';
import type { OperationRecord } from '../../functions/src/operation/record.ts';
import { seen } from './seen.ts';
import type { Seen } from './seen.ts';

/** The operations of a project in the Firestore emulator, as they come and change. */
export interface WatchedOperations {
  /** Each state of each record that the listener was told, in order; it may skip short-lived ones. */
  readonly states: Seen<OperationRecord>;
  /** As they stand, read now. */
  read(): Promise<OperationRecord[]>;
  close(): Promise<void>;
}

export function watchOperations(host: string, projectId: string): WatchedOperations {
  const firestore = new Firestore({
    projectId,
    host,
    ssl: false,
    customHeaders: { Authorization: 'Bearer owner' },
  });
  const operations = firestore.collection(COLLECTIONS.operations);
  const states = seen<OperationRecord>();
  const unwatch = operations.onSnapshot(
    (snapshot) => {
      for (const { doc } of snapshot.docChanges()) states.add(operationRecord(doc.data()));
    },
    (error) => {
      throw error;
    },
  );
  return {
    states,
    async read() {
      const { docs } = await operations.get();
      return docs.map((doc) => operationRecord(doc.data()));
    },
    async close() {
      unwatch();
      await firestore.terminate();
    },
  };
}
