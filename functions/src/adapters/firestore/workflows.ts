import { Timestamp } from '@google-cloud/firestore';
import { WORKFLOW_TTL_FIELD } from '../../names.ts';
import type { Patch } from '../../ports/operation-documents.ts';
import type { DocumentWrite, WorkflowDocuments } from '../../ports/workflow-documents.ts';
import type { StoredWorkflow, WorkflowRecord } from '../../workflow/record.ts';
import { refusedOrAway, rethrowAway, revisionOf, updateTime } from './conditions.ts';
import type { Found, Write } from './calls.ts';
import type { FirestoreConnection } from './connect.ts';
import { operationChanges } from './operation-fields.ts';
import { commonQuery, pageOf } from './queries.ts';
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

    async selectWorkflows(selection, page) {
      const { docs, readTime, ...next } = await pageOf(commonQuery(workflows, selection), page);
      const found = docs.map((snapshot) =>
        storedWorkflow({ fields: snapshot.data(), updatedAt: snapshot.updateTime }),
      );
      return { found, at: time.learn(readTime), ...next };
    },
  };
}

function commitWrite(write: DocumentWrite, names: CollectionNames): Write {
  const path = `${names[write.of]}/${write.id}`;
  if (write.kind === 'create') {
    return { kind: 'create', path, fields: workflowFields({ ...write.record }) };
  }
  const { of, patch, revision } = write;
  return {
    kind: 'update',
    path,
    changes: of === 'operations' ? operationChanges(patch) : workflowFields(patch),
    ...(revision !== undefined && { updatedAt: updateTime(revision) }),
  };
}

/** Firestore's TTL goes by timestamps only. */
function workflowFields(fields: Patch): Record<string, unknown> {
  const { [WORKFLOW_TTL_FIELD]: forgetAt } = fields;
  if (typeof forgetAt !== 'number') return { ...fields };
  return { ...fields, [WORKFLOW_TTL_FIELD]: Timestamp.fromMillis(forgetAt) };
}

function storedWorkflow({
  fields,
  updatedAt,
}: Pick<Found, 'fields' | 'updatedAt'>): StoredWorkflow {
  const { [WORKFLOW_TTL_FIELD]: forgetAt, ...rest } = fields;
  const isEnded = forgetAt instanceof Timestamp;
  const record = isEnded ? { ...rest, [WORKFLOW_TTL_FIELD]: forgetAt.toMillis() } : rest;
  return {
    record: record as unknown as WorkflowRecord,
    revision: revisionOf(updatedAt),
    updatedAt: millisecondsOf(updatedAt),
  };
}
