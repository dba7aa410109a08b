import type { DocumentWrite, WorkflowDocuments } from '../../ports/workflow-documents.ts';
import type { StoredWorkflow, WorkflowRecord } from '../../workflow/record.ts';
import { refusedOrAway, rethrowAway, revisionOf, updateTime } from './conditions.ts';
import type { Found, Write } from './calls.ts';
import type { FirestoreConnection } from './connect.ts';
import { operationChanges } from './operation-fields.ts';
import { commonQuery } from './queries.ts';
import { millisecondsOf } from './store-time.ts';
import type { StoreTime } from './store-time.ts';

export interface CollectionNames {
  readonly operations: string;
  readonly workflows: string;
}

/** Workflows beside operations in one database, and commits over both. */
export function firestoreWorkflows(
  { firestore, calls }: Pick<FirestoreConnection, 'firestore' | 'calls'>,
  time: StoreTime,
  names: CollectionNames,
): WorkflowDocuments {
  const workflows = firestore.collection(names.workflows);

  return {
    async commit(writes) {
      const times = await calls
        .commit(writes.map((write) => commitWrite(write, names)))
        .catch(refusedOrAway);
      if (times === 'refused') return { kind: 'refused' };
      return {
        kind: 'written',
        revisions: times.map(revisionOf),
        at: Math.max(...times.map((at) => time.learn(at))),
      };
    },

    async readWorkflow(id) {
      const { found, readAt } = await calls.read([`${names.workflows}/${id}`]).catch(rethrowAway);
      const at = time.learn(readAt);
      return found[0] ? { found: storedWorkflow(found[0]), at } : { at };
    },

    async selectWorkflows(selection, { limit, after }) {
      const { query, position } = commonQuery(workflows, selection);
      const paged =
        after === undefined ? query : query.startAfter(...(JSON.parse(after) as unknown[]));
      const { docs, readTime } = await paged.limit(limit).get().catch(rethrowAway);
      const page = {
        found: docs.map((snapshot) =>
          storedWorkflow({ fields: snapshot.data(), updatedAt: snapshot.updateTime }),
        ),
        at: time.learn(readTime),
      };
      const last = docs.at(-1);
      return docs.length < limit || !last
        ? page
        : { ...page, next: JSON.stringify(position(last)) };
    },
  };
}

function commitWrite(write: DocumentWrite, names: CollectionNames): Write {
  const path = `${names[write.of]}/${write.id}`;
  if (write.kind === 'create') return { kind: 'create', path, fields: { ...write.record } };
  const { of, patch, revision } = write;
  return {
    kind: 'update',
    path,
    changes: of === 'operations' ? operationChanges(patch) : patch,
    ...(revision !== undefined && { updatedAt: updateTime(revision) }),
  };
}

function storedWorkflow({
  fields,
  updatedAt,
}: Pick<Found, 'fields' | 'updatedAt'>): StoredWorkflow {
  return {
    record: fields as unknown as WorkflowRecord,
    revision: revisionOf(updatedAt),
    updatedAt: millisecondsOf(updatedAt),
  };
}
