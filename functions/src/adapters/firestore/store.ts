import type { Firestore } from '@google-cloud/firestore';
import type { Clock } from '../../ports/clock.ts';
import type { TokenStore } from '../../ports/token-store.ts';
import { createTokenStore } from '../../store/token-store.ts';
import type { TokenStoreOptions } from '../../store/token-store.ts';
import { firestoreDocuments } from './documents.ts';
import type { CollectionNames } from './workflows.ts';

export interface FirestoreStoreOptions extends TokenStoreOptions {
  readonly collections?: CollectionNames;
}

/** The token store in the cloud. The Firestore client stays the caller's to configure. */
export function firestoreStore(
  firestore: Firestore,
  clock: Clock,
  { collections, ...options }: FirestoreStoreOptions = {},
): TokenStore {
  return createTokenStore(firestoreDocuments(firestore, clock, collections), options);
}
