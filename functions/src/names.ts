/** Names that the functions and the infrastructure must agree on. */
export const COLLECTIONS = { operations: 'operations', workflows: 'workflows' } as const;

export interface IndexField {
  readonly path: string;
  readonly order: 'ASCENDING' | 'DESCENDING';
}

/**
 * Every composite index that a query of the Firestore adapter needs. All single-field indexes are
 * exempt: a sequential indexed field caps a collection at 500 writes a second
 * (https://cloud.google.com/firestore/docs/best-practices).
 */
export const OPERATION_INDEXES: Readonly<
  Record<'root' | 'status' | 'due' | 'expired', readonly IndexField[]>
> = {
  root: ascending('namespace', 'root', 'logicalTime'),
  status: ascending('namespace', 'status'),
  due: ascending('shard', 'dueAt'),
  expired: ascending('shard', 'expireAt'),
};

/** Of the messages that have one shard archived. */
export const ARCHIVE_ORDER_SCHEMA = 'agent-once/archive-shard@1';

/** The pull subscription that keeps what is published to a topic of dead letters. */
export const keptSubscription = (topic: string): string =>
  `${topic.replace('/topics/', '/subscriptions/')}-kept`;

/** A timestamp, on stubs only: Firestore's TTL removes them after it. */
export const OPERATION_TTL_FIELD = 'forgetAt';

/** A timestamp, on workflows at their end only. */
export const WORKFLOW_TTL_FIELD = 'forgetAt';

export const WORKFLOW_INDEXES: Readonly<Record<'status' | 'due', readonly IndexField[]>> = {
  status: ascending('namespace', 'status'),
  due: ascending('shard', 'dueAt'),
};

function ascending(...paths: readonly string[]): readonly IndexField[] {
  return paths.map((path) => ({ path, order: 'ASCENDING' }));
}

/** Versioned state: an entity's newest version, and every version that it ever had. */
export const STATE_COLLECTIONS = { heads: 'state-heads', versions: 'state-versions' } as const;

export const STATE_INDEXES: Readonly<Record<'version' | 'owed', readonly IndexField[]>> = {
  version: ascending('namespace', 'entity', 'version'),
  /** Only versions that are still to be published have the field. */
  owed: ascending('publication', 'token'),
};

export const EVENT_COLLECTIONS = { events: 'events', snapshots: 'event-snapshots' } as const;

export const EVENT_INDEXES: Readonly<Record<'root', readonly IndexField[]>> = {
  root: ascending('namespace', 'root', 'logicalTime', 'token'),
};

/** One counter document for each namespace. Needs no index. */
export const LOGICAL_TIME_COLLECTION = 'logical-time';

/** What people did to operations and workflows. */
export const AUDIT_COLLECTION = 'interventions';

export const AUDIT_INDEXES: Readonly<Record<'token', readonly IndexField[]>> = {
  token: ascending('namespace', 'token', 'at'),
};
