import { FieldPath, FieldValue, Timestamp } from '@google-cloud/firestore';
import type { DocumentSnapshot, Firestore, Query, WriteResult } from '@google-cloud/firestore';
import { COLLECTIONS } from '../../names.ts';
import { StoreAway } from '../../operation/errors.ts';
import type { OperationRecord, StoredOperation } from '../../operation/record.ts';
import type { Clock } from '../../ports/clock.ts';
import type {
  OperationDocuments,
  Patch,
  ReadAnswer,
  Selection,
  WriteAnswer,
} from '../../ports/operation-documents.ts';
import { millisecondsOf, storeTime } from './store-time.ts';

/** gRPC status codes that refuse a conditional write: ALREADY_EXISTS, FAILED_PRECONDITION, NOT_FOUND. */
const REFUSALS: ReadonlySet<unknown> = new Set([6, 9, 5]);

/**
 * Operations as Firestore documents. Every write is one commit, conditional on absence (`create`) or
 * on the update time that was read; leases are judged by the document's own update time.
 */
export function firestoreDocuments(
  firestore: Firestore,
  clock: Clock,
  collection: string = COLLECTIONS.operations,
): OperationDocuments {
  const operations = firestore.collection(collection);
  const time = storeTime(clock);

  async function writing(write: () => Promise<WriteResult>): Promise<WriteAnswer> {
    try {
      const { writeTime } = await write();
      return { kind: 'written', revision: revisionOf(writeTime), at: time.learn(writeTime) };
    } catch (error) {
      if (REFUSALS.has(codeOf(error))) return { kind: 'refused' };
      throw away(error);
    }
  }

  function readAnswer(snapshots: readonly DocumentSnapshot[]): ReadAnswer {
    const at = Math.max(0, ...snapshots.map(({ readTime }) => time.learn(readTime)));
    return { found: snapshots.map(storedOperation), at };
  }

  return {
    name: 'firestore',
    now: () => time.now(),

    create: (id, record) => writing(() => operations.doc(id).create(record)),

    update: (id, revision, patch) =>
      writing(() =>
        operations.doc(id).update(deleting(patch), { lastUpdateTime: updateTime(revision) }),
      ),

    async read(ids) {
      if (ids.length === 0) return { found: [], at: time.now() };
      return readAnswer(
        await firestore.getAll(...ids.map((id) => operations.doc(id))).catch(rethrowAway),
      );
    },

    transact: (ids, decide) =>
      firestore
        .runTransaction(async (transaction) => {
          const snapshots = await transaction.getAll(...ids.map((id) => operations.doc(id)));
          const read = readAnswer(snapshots);
          const order = decide(read);
          if (order.kind === 'create') transaction.create(operations.doc(order.id), order.record);
          return read;
        })
        .catch(rethrowAway),

    async select(selection, { limit, after }) {
      const { query, position } = queryFor(operations, selection);
      const paged =
        after === undefined ? query : query.startAfter(...(JSON.parse(after) as unknown[]));
      const { docs, readTime } = await paged.limit(limit).get().catch(rethrowAway);
      const found = docs.flatMap((doc) => storedOperation(doc) ?? []);
      const last = docs.at(-1);
      const page = { found, at: time.learn(readTime) };
      return docs.length < limit || !last
        ? page
        : { ...page, next: JSON.stringify(position(last)) };
    },

    close: () => firestore.terminate(),
  };
}

function queryFor(
  operations: Query,
  selection: Selection,
): { query: Query; position: (last: DocumentSnapshot) => unknown[] } {
  const byId = FieldPath.documentId();
  switch (selection.by) {
    case 'root':
      return {
        query: operations
          .where('namespace', '==', selection.namespace)
          .where('root', '==', selection.root)
          .orderBy('logicalTime')
          .orderBy(byId),
        position: (last) => [last.get('logicalTime'), last.id],
      };
    case 'status':
      return {
        query: operations
          .where('namespace', '==', selection.namespace)
          .where('status', '==', selection.status)
          .orderBy(byId),
        position: (last) => [last.id],
      };
    case 'due':
      return {
        query: operations
          .where('shard', '==', selection.shard)
          .where('dueAt', '<=', selection.before)
          .orderBy('dueAt')
          .orderBy(byId),
        position: (last) => [last.get('dueAt'), last.id],
      };
  }
}

function storedOperation(snapshot: DocumentSnapshot): StoredOperation | undefined {
  const { createTime, updateTime: updatedAt } = snapshot;
  if (!createTime || !updatedAt) return undefined;
  return {
    record: snapshot.data() as unknown as OperationRecord,
    revision: revisionOf(updatedAt),
    createdAt: millisecondsOf(createTime),
    updatedAt: millisecondsOf(updatedAt),
  };
}

function deleting(patch: Patch): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(patch).map(([name, value]) => [
      name,
      value === null ? FieldValue.delete() : value,
    ]),
  );
}

function revisionOf(time: Timestamp): string {
  return `${time.seconds}.${time.nanoseconds}`;
}

function updateTime(revision: string): Timestamp {
  const [seconds, nanoseconds] = revision.split('.').map(Number);
  return new Timestamp(seconds ?? 0, nanoseconds ?? 0);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function rethrowAway(error: unknown): never {
  throw away(error);
}

function away(error: unknown): StoreAway {
  const told = error instanceof Error ? error.message : String(error);
  return new StoreAway(`Firestore gave no usable answer: ${told}`, { cause: error });
}
