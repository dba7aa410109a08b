import type { Clock } from '../../ports/clock.ts';
import type { TokenStore } from '../../ports/token-store.ts';
import { createTokenStore } from '../../store/token-store.ts';
import type { TokenStoreOptions } from '../../store/token-store.ts';
import type { FirestoreConnection } from './connect.ts';
import { firestoreDocuments } from './documents.ts';
import type { CollectionNames } from './workflows.ts';

export interface FirestoreStoreOptions extends TokenStoreOptions {
  readonly collections?: CollectionNames;
}

/** The token store in the cloud. It owns the connection: closing the one closes the other. */
export function firestoreStore(
  connection: FirestoreConnection,
  clock: Clock,
  { collections, ...options }: FirestoreStoreOptions = {},
): TokenStore {
  return createTokenStore(firestoreDocuments(connection, clock, collections), options);
}
