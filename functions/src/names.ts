/** Names that the functions and the infrastructure must agree on. */
export const COLLECTIONS = { operations: 'operations' } as const;

export interface IndexField {
  readonly path: string;
  readonly order: 'ASCENDING' | 'DESCENDING';
}

/**
 * Every composite index that a query of the Firestore adapter needs. All single-field indexes are
 * exempt: a sequential indexed field caps a collection at 500 writes a second
 * (https://cloud.google.com/firestore/docs/best-practices).
 */
export const OPERATION_INDEXES: Readonly<Record<'root' | 'status' | 'due', readonly IndexField[]>> = {
  root: ascending('namespace', 'root', 'logicalTime'),
  status: ascending('namespace', 'status'),
  due: ascending('shard', 'dueAt'),
};

function ascending(...paths: readonly string[]): readonly IndexField[] {
  return paths.map((path) => ({ path, order: 'ASCENDING' }));
}
