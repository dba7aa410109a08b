import type { OperationRecord, StoredOperation } from '../operation/record.ts';
import type {
  OperationDocuments,
  Patch,
  ReadAnswer,
  SelectAnswer,
  Selection,
  WriteAnswer,
  WriteOrder,
} from '../ports/operation-documents.ts';
import type { WorkflowDocuments } from '../ports/workflow-documents.ts';
import { workflowTable } from './memory-workflows.ts';

/** Operations in memory, each call at once and whole: what stands behind {@link memoryDocuments}. */
export interface OperationTable {
  create(id: string, record: OperationRecord): WriteAnswer;
  update(id: string, revision: string, patch: Patch): WriteAnswer;
  read(ids: readonly string[]): ReadAnswer;
  transact(ids: readonly string[], decide: (read: ReadAnswer) => WriteOrder): ReadAnswer;
  select(selection: Selection, page: { limit: number; after?: string }): SelectAnswer;
  /** What stands under an id now. */
  standing(id: string): StoredOperation | undefined;
  all(): IterableIterator<StoredOperation>;
}

/** `now` is the store's time, in epoch milliseconds. */
export function operationTable(now: () => number): OperationTable {
  const rows = new Map<string, StoredOperation>();

  function read(ids: readonly string[]): ReadAnswer {
    return { found: ids.map((id) => rows.get(id)), at: now() };
  }

  function create(id: string, record: OperationRecord): WriteAnswer {
    if (rows.has(id)) return { kind: 'refused' };
    const at = now();
    rows.set(id, { record, revision: '1', createdAt: at, updatedAt: at });
    return { kind: 'written', revision: '1', at };
  }

  return {
    create,
    read,
    update(id, revision, patch) {
      const standing = rows.get(id);
      if (standing?.revision !== revision) return { kind: 'refused' };
      const at = now();
      const next = String(Number(revision) + 1);
      const record = patchedRecord(standing.record, patch);
      rows.set(id, { ...standing, record, revision: next, updatedAt: at });
      return { kind: 'written', revision: next, at };
    },
    transact(ids, decide) {
      const answer = read(ids);
      const order = decide(answer);
      if (order.kind === 'create') create(order.id, order.record);
      return answer;
    },
    select: (selection, page) => ({ ...selectPage(rows, selection, page), at: now() }),
    standing: (id) => rows.get(id),
    all: () => rows.values(),
  };
}

/** The documents ports over tables in memory: for tests, since nothing of it outlives the process. */
export function memoryDocuments(now: () => number): OperationDocuments & WorkflowDocuments {
  const table = operationTable(now);
  const workflows = workflowTable(table, now);
  return {
    name: 'memory',
    now,
    create: async (id, record) => table.create(id, record),
    update: async (id, revision, patch) => table.update(id, revision, patch),
    read: async (ids) => table.read(ids),
    transact: async (ids, decide) => table.transact(ids, decide),
    select: async (selection, page) => table.select(selection, page),
    commit: async (writes) => workflows.commit(writes),
    readWorkflow: async (id) => workflows.read(id),
    selectWorkflows: async (selection, page) => workflows.select(selection, page),
    close: async () => {},
  };
}

function patchedRecord(record: OperationRecord, patch: Patch): OperationRecord {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries({ ...record, ...patch })) {
    if (value !== null) fields[name] = value;
  }
  return fields as unknown as OperationRecord;
}

type Position = readonly [order: number, id: string];

function selectPage(
  rows: ReadonlyMap<string, StoredOperation>,
  selection: Selection,
  { limit, after }: { limit: number; after?: string },
): Omit<SelectAnswer, 'at'> {
  const behind = after === undefined ? undefined : (JSON.parse(after) as Position);
  const selected: { position: Position; row: StoredOperation }[] = [];
  for (const [id, row] of rows) {
    const order = orderIn(selection, row.record);
    if (order === undefined) continue;
    const position: Position = [order, id];
    if (!behind || compare(position, behind) > 0) selected.push({ position, row });
  }
  selected.sort((a, b) => compare(a.position, b.position));
  const page = selected.slice(0, limit);
  const found = page.map(({ row }) => row);
  const last = page.at(-1);
  return page.length < limit || !last ? { found } : { found, next: JSON.stringify(last.position) };
}

/** What a record is ordered by before its id; `undefined` where the selection leaves it out. */
function orderIn(selection: Selection, record: OperationRecord): number | undefined {
  switch (selection.by) {
    case 'root':
      return record.root === selection.root && record.namespace === selection.namespace
        ? record.logicalTime
        : undefined;
    case 'status':
      return record.status === selection.status && record.namespace === selection.namespace
        ? 0
        : undefined;
    case 'due':
      return record.shard === selection.shard &&
        record.dueAt !== undefined &&
        record.dueAt <= selection.before
        ? record.dueAt
        : undefined;
    case 'expired':
      return record.shard === selection.shard &&
        'expireAt' in record &&
        record.expireAt <= selection.before
        ? record.expireAt
        : undefined;
  }
}

function compare([aOrder, aId]: Position, [bOrder, bId]: Position): number {
  if (aOrder !== bOrder) return aOrder - bOrder;
  if (aId === bId) return 0;
  return aId < bId ? -1 : 1;
}
