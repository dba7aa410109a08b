import { FieldPath } from '@google-cloud/firestore';
import type { DocumentSnapshot, Query } from '@google-cloud/firestore';

/** A query in its order, and what names a document's place in it. */
export interface PagedQuery {
  readonly query: Query;
  readonly position: (last: DocumentSnapshot) => unknown[];
}

export type CommonSelection =
  | { readonly by: 'status'; readonly namespace: string; readonly status: string }
  | { readonly by: 'due'; readonly shard: number; readonly before: number };

/** The queries that operations and workflows have in common. Their indexes are in names.ts. */
export function commonQuery(documents: Query, selection: CommonSelection): PagedQuery {
  switch (selection.by) {
    case 'status':
      return {
        query: documents
          .where('namespace', '==', selection.namespace)
          .where('status', '==', selection.status)
          .orderBy(FieldPath.documentId()),
        position: (last) => [last.id],
      };
    case 'due':
      return {
        query: documents
          .where('shard', '==', selection.shard)
          .where('dueAt', '<=', selection.before)
          .orderBy('dueAt')
          .orderBy(FieldPath.documentId()),
        position: (last) => [last.get('dueAt'), last.id],
      };
  }
}
