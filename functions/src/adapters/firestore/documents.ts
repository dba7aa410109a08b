import { FieldPath } from '@google-cloud/firestore';
import type { DocumentSnapshot, Query } from '@google-cloud/firestore';
import { COLLECTIONS } from '../../names.ts';
import type { WorkflowDocuments } from '../../ports/workflow-documents.ts';
import { StoreAway } from '../../operation/errors.ts';
import type { StoredOperation } from '../../operation/record.ts';
import type { Clock } from '../../ports/clock.ts';
import type {
  OperationDocuments,
  Selection,
  WriteAnswer,
} from '../../ports/operation-documents.ts';
import type { Found, Write } from './calls.ts';
import type { FirestoreConnection } from './connect.ts';
import { refusedOrAway, rethrowAway, revisionOf, updateTime } from './conditions.ts';
import { operationChanges, operationDocument, operationRecord } from './operation-fields.ts';
import { commonQuery, pageOf, pastTime } from './queries.ts';
import type { PagedQuery } from './queries.ts';
import { millisecondsOf, storeTime } from './store-time.ts';
import { firestoreWorkflows } from './workflows.ts';
import type { CollectionNames } from './workflows.ts';

/**
 * A field that every update changes which may change nothing else; one that names a status always does.
 * Firestore keeps the update time of a document that a write leaves as it was, and the lease of a holder
 * that only renews it would not be lengthened
 * (https://cloud.google.com/firestore/docs/reference/rpc/google.firestore.v1#writeresult).
 */
const CHANGED_FROM = 'changedFrom';

/**
 * Operations as Firestore documents. Every write is one commit, conditional on absence (`create`) or
 * on the update time that was read; leases are judged by the document's own update time.
 */
export function firestoreDocuments(
  connection: FirestoreConnection,
  clock: Clock,
  names: CollectionNames = COLLECTIONS,
): OperationDocuments & WorkflowDocuments {
  const { firestore, calls } = connection;
  const operations = firestore.collection(names.operations);
  const pathOf = (id: string) => `${names.operations}/${id}`;
  const time = storeTime(clock);

  async function written(write: Write): Promise<WriteAnswer> {
    const times = await calls.commit([write]).catch(refusedOrAway);
    if (times === 'refused') return { kind: 'refused' };
    const [writtenAt] = times;
    if (!writtenAt) throw new StoreAway('Firestore told no update time of a write.');
    return { kind: 'written', revision: revisionOf(writtenAt), at: time.learn(writtenAt) };
  }

  return {
    ...firestoreWorkflows(connection, time, names),
    name: 'firestore',
    now: () => time.now(),

    create: (id, record) =>
      written({ kind: 'create', path: pathOf(id), fields: operationDocument(record) }),

    update(id, revision, patch) {
      const marked = 'status' in patch ? patch : { ...patch, [CHANGED_FROM]: revision };
      const changes = operationChanges(marked);
      return written({
        kind: 'update',
        path: pathOf(id),
        changes,
        updatedAt: updateTime(revision),
      });
    },

    async read(ids) {
      if (ids.length === 0) return { found: [], at: time.now() };
      const { found, readAt } = await calls.read(ids.map(pathOf)).catch(rethrowAway);
      return { found: found.map(storedOperation), at: time.learn(readAt) };
    },

    transact: (ids, decide) =>
      firestore
        .runTransaction(async (transaction) => {
          const snapshots = await transaction.getAll(...ids.map((id) => operations.doc(id)));
          const at = Math.max(0, ...snapshots.map(({ readTime }) => time.learn(readTime)));
          const read = { found: snapshots.map(operationOf), at };
          const order = decide(read);
          if (order.kind === 'create') {
            transaction.create(operations.doc(order.id), operationDocument(order.record));
          }
          return read;
        })
        .catch(rethrowAway),

    async select(selection, page) {
      const { docs, readTime, ...next } = await pageOf(queryFor(operations, selection), page);
      const found = docs.flatMap((doc) => operationOf(doc) ?? []);
      return { found, at: time.learn(readTime), ...next };
    },

    close: () => connection.close(),
  };
}

function queryFor(operations: Query, selection: Selection): PagedQuery {
  if (selection.by === 'expired') return pastTime(operations, 'expireAt', selection);
  if (selection.by !== 'root') return commonQuery(operations, selection);
  return {
    query: operations
      .where('namespace', '==', selection.namespace)
      .where('root', '==', selection.root)
      .orderBy('logicalTime')
      .orderBy(FieldPath.documentId()),
    position: (last) => [last.get('logicalTime'), last.id],
  };
}

function operationOf(snapshot: DocumentSnapshot): StoredOperation | undefined {
  const { createTime: createdAt, updateTime: updatedAt } = snapshot;
  if (!createdAt || !updatedAt) return undefined;
  return storedOperation({ fields: snapshot.data() ?? {}, createdAt, updatedAt });
}

function storedOperation(found: Found | undefined): StoredOperation | undefined {
  if (!found) return undefined;
  const { createdAt, updatedAt } = found;
  const { [CHANGED_FROM]: _, ...stored } = found.fields;
  return {
    record: operationRecord(stored),
    revision: revisionOf(updatedAt),
    createdAt: millisecondsOf(createdAt),
    updatedAt: millisecondsOf(updatedAt),
  };
}
