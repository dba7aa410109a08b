import { FieldPath } from '@google-cloud/firestore';
import type { DocumentSnapshot, Firestore, Query, WriteResult } from '@google-cloud/firestore';
import { COLLECTIONS } from '../../names.ts';
import type { WorkflowDocuments } from '../../ports/workflow-documents.ts';
import type { StoredOperation } from '../../operation/record.ts';
import type { Clock } from '../../ports/clock.ts';
import type {
  OperationDocuments,
  ReadAnswer,
  Selection,
  WriteAnswer,
} from '../../ports/operation-documents.ts';
import { refusedOrAway, rethrowAway, revisionOf, updateTime } from './conditions.ts';
import { operationFields, operationRecord } from './operation-fields.ts';
import { commonQuery } from './queries.ts';
import type { PagedQuery } from './queries.ts';
import { millisecondsOf, storeTime } from './store-time.ts';
import { firestoreWorkflows } from './workflows.ts';
import type { CollectionNames } from './workflows.ts';

/**
 * A field that every update changes. Firestore keeps the update time of a document that a write leaves
 * as it was, and the lease of a holder that only renews it would not be lengthened
 * (https://cloud.google.com/firestore/docs/reference/rpc/google.firestore.v1#writeresult).
 */
const CHANGED_FROM = 'changedFrom';

/**
 * Operations as Firestore documents. Every write is one commit, conditional on absence (`create`) or
 * on the update time that was read; leases are judged by the document's own update time.
 */
export function firestoreDocuments(
  firestore: Firestore,
  clock: Clock,
  names: CollectionNames = COLLECTIONS,
): OperationDocuments & WorkflowDocuments {
  const operations = firestore.collection(names.operations);
  const time = storeTime(clock);

  async function writing(write: () => Promise<WriteResult>): Promise<WriteAnswer> {
    const result = await write().catch(refusedOrAway);
    if (result === 'refused') return { kind: 'refused' };
    const { writeTime } = result;
    return { kind: 'written', revision: revisionOf(writeTime), at: time.learn(writeTime) };
  }

  function readAnswer(snapshots: readonly DocumentSnapshot[]): ReadAnswer {
    const at = Math.max(0, ...snapshots.map(({ readTime }) => time.learn(readTime)));
    return { found: snapshots.map(storedOperation), at };
  }

  return {
    ...firestoreWorkflows(firestore, time, names),
    name: 'firestore',
    now: () => time.now(),

    create: (id, record) => writing(() => operations.doc(id).create(operationFields(record))),

    update: (id, revision, patch) =>
      writing(() => {
        const changes = operationFields({ ...patch, [CHANGED_FROM]: revision });
        return operations.doc(id).update(changes, { lastUpdateTime: updateTime(revision) });
      }),

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
          if (order.kind === 'create') {
            transaction.create(operations.doc(order.id), operationFields(order.record));
          }
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

function queryFor(operations: Query, selection: Selection): PagedQuery {
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

function storedOperation(snapshot: DocumentSnapshot): StoredOperation | undefined {
  const { createTime, updateTime: updatedAt } = snapshot;
  if (!createTime || !updatedAt) return undefined;
  const { [CHANGED_FROM]: _, ...stored } = snapshot.data() ?? {};
  return {
    record: operationRecord(stored),
    revision: revisionOf(updatedAt),
    createdAt: millisecondsOf(createTime),
    updatedAt: millisecondsOf(updatedAt),
  };
}
