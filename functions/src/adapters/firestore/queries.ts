import { FieldPath } from '@google-cloud/firestore';
import type {
  DocumentSnapshot,
  Query,
  QueryDocumentSnapshot,
  Timestamp,
} from '@google-cloud/firestore';
import { rethrowAway } from './conditions.ts';

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
      return pastTime(documents, 'dueAt', selection);
  }
}

/** What of a shard has passed a time of its own, the longest passed first. */
export function pastTime(
  documents: Query,
  field: 'dueAt' | 'expireAt',
  { shard, before }: { readonly shard: number; readonly before: number },
): PagedQuery {
  return {
    query: documents
      .where('shard', '==', shard)
      .where(field, '<=', before)
      .orderBy(field)
      .orderBy(FieldPath.documentId()),
    position: (last) => [last.get(field), last.id],
  };
}

/** One page of a query; `next` is the `after` of the page behind it, where there may be one. */
export async function pageOf(
  { query, position }: PagedQuery,
  { limit, after }: { readonly limit: number; readonly after?: string },
): Promise<{
  readonly docs: readonly QueryDocumentSnapshot[];
  readonly readTime: Timestamp;
  readonly next?: string;
}> {
  const paged = after === undefined ? query : query.startAfter(...(JSON.parse(after) as unknown[]));
  const { docs, readTime } = await paged.limit(limit).get().catch(rethrowAway);
  const last = docs.at(-1);
  if (docs.length < limit || !last) return { docs, readTime };
  return { docs, readTime, next: JSON.stringify(position(last)) };
}
