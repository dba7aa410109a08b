import { DocumentReference, Firestore, Query, Timestamp } from '@google-cloud/firestore';
import type { NeededIndex } from '../../../infra/policy/agreement.ts';

interface Filter {
  readonly fieldFilter?: { readonly field: { readonly fieldPath: string }; readonly op: string };
  readonly compositeFilter?: { readonly filters: readonly Filter[] };
}

interface StructuredQuery {
  readonly from: readonly { readonly collectionId: string }[];
  readonly where?: Filter;
  readonly orderBy?: readonly {
    readonly field: { readonly fieldPath: string };
    readonly direction: string;
  }[];
}

/** A query as the client sends it. */
interface Sendable {
  toProto(): { readonly structuredQuery: StructuredQuery };
}

const NOW = Timestamp.fromMillis(1);

/**
 * The indexes of all queries that are made meanwhile. Nothing is sent: a query is answered as if nothing
 * were found, and each document as if it were there with `content`.
 */
export async function requiredIndexes(
  content: object,
  making: () => Promise<unknown>,
): Promise<NeededIndex[]> {
  const needed = new Map<string, NeededIndex>();
  const note = (query: unknown): void => {
    const index = indexOf((query as Sendable).toProto().structuredQuery);
    needed.set(JSON.stringify(index), index);
  };
  const restore = [
    replaced(Query.prototype, 'get', function (this: Query) {
      note(this);
      return { docs: [], readTime: NOW };
    }),
    replaced(aggregates(), 'get', function (this: { query: Query }) {
      note(this.query);
      return { data: () => ({ count: 0 }) };
    }),
    replaced(DocumentReference.prototype, 'get', () => ({
      exists: true,
      data: () => content,
      updateTime: NOW,
      createTime: NOW,
      readTime: NOW,
    })),
  ];
  try {
    await making();
  } finally {
    for (const each of restore) each();
  }
  return [...needed.values()];
}

/** The client does not export their class. */
function aggregates(): object {
  const counting = new Firestore({ projectId: 'demo-indexes' }).collection('any').count();
  return Object.getPrototypeOf(counting) as object;
}

function replaced(prototype: object, name: string, answer: (this: never) => unknown): () => void {
  const original = Object.getOwnPropertyDescriptor(prototype, name);
  if (!original) throw new Error(`The Firestore client has no ${name} there any more.`);
  Object.defineProperty(prototype, name, {
    ...original,
    value(this: never) {
      return Promise.resolve(answer.call(this));
    },
  });
  return () => Object.defineProperty(prototype, name, original);
}

/**
 * Fields of equality come first in an index, then those of the order; the document's name ends every index
 * by itself (https://cloud.google.com/firestore/docs/query-data/index-overview).
 */
export function indexOf({ from, where, orderBy = [] }: StructuredQuery): NeededIndex {
  const filters = where ? (where.compositeFilter?.filters ?? [where]) : [];
  const equal = filters.flatMap(({ fieldFilter }) =>
    fieldFilter?.op === 'EQUAL' ? [fieldFilter.field.fieldPath] : [],
  );
  const ordered = orderBy
    .map(({ field, direction }) => ({ path: field.fieldPath, order: direction }))
    .filter(({ path }) => path !== '__name__');
  const fields = [...equal.map((path) => ({ path, order: 'ASCENDING' })), ...ordered];
  return { collection: from[0]?.collectionId ?? '', fields };
}
