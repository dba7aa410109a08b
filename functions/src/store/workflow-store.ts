import type {
  DocumentWrite,
  WorkflowDocuments,
  WorkflowSelection,
} from '../ports/workflow-documents.ts';
import type { Page } from '../ports/token-store.ts';
import type { ProgressWrite, WorkflowListing, WorkflowStore } from '../ports/workflow-store.ts';
import { documentId } from '../token/token.ts';
import type { WorkflowRecord } from '../workflow/record.ts';

/** Workflows' verbs over documents that can be committed together. */
export function createWorkflowStore(
  documents: WorkflowDocuments,
  now: () => number,
): WorkflowStore {
  async function select(selection: WorkflowSelection, page: Page): Promise<WorkflowListing> {
    const { found, next } = await documents.selectWorkflows(selection, page);
    return next === undefined ? { workflows: found } : { workflows: found, next };
  }
  return {
    get: (namespace, root) => documents.readWorkflow(documentId(namespace, root)),
    async write(progress) {
      const { kind } = await documents.commit([documentWrite(progress)]);
      return kind;
    },
    byStatus: (namespace, status, page) => select({ by: 'status', namespace, status }, page),
    due: (shard, page) => select({ by: 'due', shard, before: now() }, page),
  };
}

/** Whether a technology keeps workflows beside its operations. */
export function keepsWorkflows(
  documents: object & Partial<WorkflowDocuments>,
): documents is WorkflowDocuments {
  return documents.commit !== undefined;
}

/** A workflow's part of a commit. */
export function documentWrite(progress: ProgressWrite): DocumentWrite {
  switch (progress.kind) {
    case 'begin': {
      const { record, over: revision } = progress;
      const id = documentId(record.namespace, record.root);
      if (revision === undefined) return { kind: 'create', of: 'workflows', id, record };
      const patch = { ...NOTHING_OPTIONAL, ...record };
      return { kind: 'update', of: 'workflows', id, revision, patch };
    }
    case 'move': {
      const { record, revision } = progress;
      const id = documentId(record.namespace, record.root);
      return { kind: 'update', of: 'workflows', id, revision, patch: wholePatch(record) };
    }
    case 'report': {
      const { namespace, root, member, progress: state } = progress;
      const patch = { [`members.${member}`]: state };
      return { kind: 'update', of: 'workflows', id: documentId(namespace, root), patch };
    }
  }
}

type Optional<T> = { [K in keyof T]-?: undefined extends T[K] ? K : never }[keyof T];

/** So that a new record in the place of an old one has nothing of that. */
const NOTHING_OPTIONAL: Readonly<Record<Optional<WorkflowRecord>, null>> = {
  keptMs: null,
  forgetAt: null,
  deadlineAt: null,
  dueAt: null,
  cause: null,
  parked: null,
  parkedFrom: null,
  steered: null,
  moveId: null,
  traceparent: null,
  contextHash: null,
};

/** What may change over a workflow's life; what is absent from the next record is removed. */
function wholePatch(record: WorkflowRecord): Record<string, unknown> {
  const { status, stage, members, logicalTime, dueAt, cause } = record;
  const { parked, parkedFrom, steered, moveId, input, forgetAt } = record;
  return {
    status,
    stage,
    members,
    logicalTime,
    dueAt: dueAt ?? null,
    cause: cause ?? null,
    parked: parked ?? null,
    parkedFrom: parkedFrom ?? null,
    ...(steered && { steered }),
    ...(moveId !== undefined && { moveId }),
    ...(forgetAt !== undefined && { forgetAt }),
    ...(input.kind === 'purged' && { input }),
  };
}
