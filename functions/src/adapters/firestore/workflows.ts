import type { DocumentSnapshot, Firestore } from '@google-cloud/firestore';
import type { DocumentWrite, WorkflowDocuments } from '../../ports/workflow-documents.ts';
import type { StoredWorkflow, WorkflowRecord } from '../../workflow/record.ts';
import { deleting, refusedOrAway, rethrowAway, revisionOf, updateTime } from './conditions.ts';
import { operationFields } from './operation-fields.ts';
import { commonQuery } from './queries.ts';
import { millisecondsOf } from './store-time.ts';
import type { StoreTime } from './store-time.ts';

export interface CollectionNames {
  readonly operations: string;
  readonly workflows: string;
}

/** Workflows beside operations in one database, and commits over both. */
export function firestoreWorkflows(
  firestore: Firestore,
  time: StoreTime,
  names: CollectionNames,
): WorkflowDocuments {
  const workflows = firestore.collection(names.workflows);

  return {
    async commit(writes) {
      const batch = firestore.batch();
      for (const write of writes) {
        const document = firestore.collection(names[write.of]).doc(write.id);
        if (write.kind === 'create') batch.create(document, write.record);
        else batch.update(document, changesOf(write), conditionOf(write));
      }
      const results = await batch.commit().catch(refusedOrAway);
      if (results === 'refused') return { kind: 'refused' };
      const revisions = results.map(({ writeTime }) => revisionOf(writeTime));
      return {
        kind: 'written',
        revisions,
        at: Math.max(...results.map(({ writeTime }) => time.learn(writeTime))),
      };
    },

    async readWorkflow(id) {
      const snapshot = await workflows.doc(id).get().catch(rethrowAway);
      const at = time.learn(snapshot.readTime);
      const found = storedWorkflow(snapshot);
      return found ? { found, at } : { at };
    },

    async selectWorkflows(selection, { limit, after }) {
      const { query, position } = commonQuery(workflows, selection);
      const paged =
        after === undefined ? query : query.startAfter(...(JSON.parse(after) as unknown[]));
      const { docs, readTime } = await paged.limit(limit).get().catch(rethrowAway);
      const page = {
        found: docs.flatMap((document) => storedWorkflow(document) ?? []),
        at: time.learn(readTime),
      };
      const last = docs.at(-1);
      return docs.length < limit || !last
        ? page
        : { ...page, next: JSON.stringify(position(last)) };
    },
  };
}

function changesOf({
  of,
  patch,
}: Extract<DocumentWrite, { kind: 'update' }>): Record<string, unknown> {
  return of === 'operations' ? operationFields(patch) : deleting(patch);
}

function conditionOf({ revision }: Extract<DocumentWrite, { kind: 'update' }>): object {
  return revision === undefined ? { exists: true } : { lastUpdateTime: updateTime(revision) };
}

function storedWorkflow(snapshot: DocumentSnapshot): StoredWorkflow | undefined {
  const { updateTime: updatedAt } = snapshot;
  if (!updatedAt) return undefined;
  return {
    record: snapshot.data() as unknown as WorkflowRecord,
    revision: revisionOf(updatedAt),
    updatedAt: millisecondsOf(updatedAt),
  };
}
