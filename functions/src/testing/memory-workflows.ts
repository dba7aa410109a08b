import type { Patch, WriteAnswer } from '../ports/operation-documents.ts';
import type {
  CommitAnswer,
  DocumentWrite,
  WorkflowDocuments,
  WorkflowSelection,
} from '../ports/workflow-documents.ts';
import type { StoredWorkflow, WorkflowRecord } from '../workflow/record.ts';

type Page = Parameters<WorkflowDocuments['selectWorkflows']>[1];

/** Workflows in memory, each call at once and whole: {@link WorkflowDocuments} without the waiting. */
export interface WorkflowTable {
  commit(writes: readonly DocumentWrite[]): CommitAnswer;
  read(id: string): Awaited<ReturnType<WorkflowDocuments['readWorkflow']>>;
  select(
    selection: WorkflowSelection,
    page: Page,
  ): Awaited<ReturnType<WorkflowDocuments['selectWorkflows']>>;
  /** What stands under an id now. */
  standing(id: string): StoredWorkflow | undefined;
  all(): IterableIterator<StoredWorkflow>;
}

/** The operations that are committed together with workflows. */
interface Operations {
  standing(id: string): { readonly revision: string } | undefined;
  update(id: string, revision: string, patch: Patch): WriteAnswer;
}

/** `now` is the store's time, in epoch milliseconds. */
export function workflowTable(operations: Operations, now: () => number): WorkflowTable {
  const rows = new Map<string, StoredWorkflow>();

  function standsInTheWay(write: DocumentWrite): boolean {
    const standing = write.of === 'operations' ? operations.standing(write.id) : rows.get(write.id);
    if (write.kind === 'create') return standing !== undefined;
    return standing === undefined || (write.revision ?? standing.revision) !== standing.revision;
  }

  function apply(write: DocumentWrite): string {
    const updatedAt = now();
    if (write.kind === 'create') {
      rows.set(write.id, { record: write.record, revision: '1', updatedAt });
      return '1';
    }
    const { id, patch } = write;
    if (write.of === 'operations') {
      const answer = operations.update(id, operations.standing(id)?.revision ?? '', patch);
      return answer.kind === 'written' ? answer.revision : '';
    }
    const standing = rows.get(id) as StoredWorkflow;
    const revision = String(Number(standing.revision) + 1);
    rows.set(id, { record: patchedWorkflow(standing.record, patch), revision, updatedAt });
    return revision;
  }

  return {
    commit(writes) {
      if (writes.some(standsInTheWay)) return { kind: 'refused' };
      return { kind: 'written', revisions: writes.map(apply), at: now() };
    },
    read(id) {
      const found = rows.get(id);
      return found ? { found, at: now() } : { at: now() };
    },
    select: (selection, page) => ({ ...selectPage(rows, selection, page), at: now() }),
    standing: (id) => rows.get(id),
    all: () => rows.values(),
  };
}

/** `null` removes a field; a dotted name reaches into a map. */
function patchedWorkflow(record: WorkflowRecord, patch: Patch): WorkflowRecord {
  const fields: Record<string, unknown> = { ...record };
  for (const [name, value] of Object.entries(patch)) {
    const [head = name, inner] = name.split('.', 2);
    if (inner !== undefined) fields[head] = { ...(fields[head] as object), [inner]: value };
    else if (value === null) delete fields[head];
    else fields[head] = value;
  }
  return fields as unknown as WorkflowRecord;
}

type Position = readonly [order: number, id: string];

function selectPage(
  rows: ReadonlyMap<string, StoredWorkflow>,
  selection: WorkflowSelection,
  { limit, after }: Page,
): { found: StoredWorkflow[]; next?: string } {
  const behind = after === undefined ? undefined : (JSON.parse(after) as Position);
  const selected = [...rows]
    .flatMap(([id, row]) => {
      const order = orderIn(selection, row.record);
      return order === undefined ? [] : [{ position: [order, id] as const, row }];
    })
    .filter(({ position }) => !behind || compare(position, behind) > 0)
    .toSorted((a, b) => compare(a.position, b.position))
    .slice(0, limit);
  const found = selected.map(({ row }) => row);
  const last = selected.at(-1);
  return selected.length < limit || !last
    ? { found }
    : { found, next: JSON.stringify(last.position) };
}

/** What a workflow is ordered by before its id; `undefined` where the selection leaves it out. */
function orderIn(selection: WorkflowSelection, record: WorkflowRecord): number | undefined {
  if (selection.by === 'status') {
    const { namespace, status } = selection;
    return record.namespace === namespace && record.status === status ? 0 : undefined;
  }
  const { dueAt, shard } = record;
  if (shard !== selection.shard || dueAt === undefined || dueAt > selection.before)
    return undefined;
  return dueAt;
}

function compare([aOrder, aId]: Position, [bOrder, bId]: Position): number {
  if (aOrder !== bOrder) return aOrder - bOrder;
  if (aId === bId) return 0;
  return aId < bId ? -1 : 1;
}
