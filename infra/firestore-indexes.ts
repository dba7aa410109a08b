import {
  AUDIT_COLLECTION,
  AUDIT_INDEXES,
  COLLECTIONS,
  EVENT_COLLECTIONS,
  EVENT_INDEXES,
  LOGICAL_TIME_COLLECTION,
  OPERATION_INDEXES,
  STATE_COLLECTIONS,
  STATE_INDEXES,
  WORKFLOW_INDEXES,
} from '../functions/src/names.ts';
import type { IndexField } from '../functions/src/names.ts';

export interface IndexedCollection {
  readonly collection: string;
  readonly indexes: Readonly<Record<string, readonly IndexField[]>>;
}

/** Every collection that the functions write, with the composite indexes of its queries. */
export function indexedCollections(): readonly IndexedCollection[] {
  return [
    { collection: COLLECTIONS.operations, indexes: OPERATION_INDEXES },
    { collection: COLLECTIONS.workflows, indexes: WORKFLOW_INDEXES },
    { collection: STATE_COLLECTIONS.heads, indexes: {} },
    { collection: STATE_COLLECTIONS.versions, indexes: STATE_INDEXES },
    { collection: EVENT_COLLECTIONS.events, indexes: EVENT_INDEXES },
    { collection: EVENT_COLLECTIONS.snapshots, indexes: {} },
    { collection: LOGICAL_TIME_COLLECTION, indexes: {} },
    { collection: AUDIT_COLLECTION, indexes: AUDIT_INDEXES },
  ];
}
