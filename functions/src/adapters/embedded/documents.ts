import type { OperationRecord } from '../../operation/record.ts';
import type { Clock } from '../../ports/clock.ts';
import type { OperationDocuments, ReadAnswer } from '../../ports/operation-documents.ts';
import { inTransaction, openDatabase, orAway } from './database.ts';
import { forgetting } from './forget.ts';
import { commitAtOnce, groupCommit } from './group-commit.ts';
import { patchedText } from './patch.ts';
import { storedOperation } from './row.ts';
import { embeddedWorkflows, WORKFLOW_SCHEMA } from './workflows.ts';
import type { WorkflowDocuments } from '../../ports/workflow-documents.ts';
import type { Row } from './row.ts';
import { selectOperations } from './select.ts';

/**
 * Each index that a write touches costs it about a tenth. So roots are found by their id and only what is
 * below them by index, and a listing by status, which only people ask for, reads the whole table.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS operations (
    id TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    document TEXT NOT NULL
  );
  CREATE INDEX IF NOT EXISTS operations_below_root
    ON operations (document ->> 'root', document ->> 'logicalTime')
    WHERE document ->> 'root' <> document ->> 'token';
  CREATE INDEX IF NOT EXISTS operations_by_due
    ON operations (document ->> 'shard', document ->> 'dueAt')
    WHERE document ->> 'dueAt' IS NOT NULL;
  CREATE INDEX IF NOT EXISTS operations_by_expiry
    ON operations (document ->> 'shard', document ->> 'expireAt')
    WHERE document ->> 'expireAt' IS NOT NULL;
`;

/**
 * Operations in an SQLite file or in memory. Its time is the given clock's: every process that
 * shares the file must share the machine's clock too.
 */
export function embeddedDocuments(
  path: string,
  clock: Clock,
): OperationDocuments & WorkflowDocuments {
  const database = openDatabase(path, SCHEMA + WORKFLOW_SCHEMA);
  const { commit, flush } = path === ':memory:' ? commitAtOnce() : groupCommit(database);
  const insert = database.prepare(
    'INSERT OR IGNORE INTO operations (id, revision, created_at, updated_at, document) VALUES (?, 1, ?, ?, ?)',
  );
  const replace = database.prepare(
    'UPDATE operations SET revision = revision + 1, updated_at = ?, document = ? WHERE id = ? AND revision = ?',
  );
  const forget = forgetting(database, clock);
  const find = database.prepare('SELECT * FROM operations WHERE id = ?');

  function readNow(ids: readonly string[]): ReadAnswer {
    const found = ids.map((id) => storedOperation(find.get(id) as Row | undefined));
    return { found, at: clock.now() };
  }

  function createNow(id: string, record: OperationRecord, at: number): boolean {
    return insert.run(id, at, at, JSON.stringify(record)).changes === 1;
  }

  return {
    ...embeddedWorkflows(database, clock),
    name: 'embedded',
    now: () => clock.now(),

    create: (id, record) =>
      commit(() => {
        const at = clock.now();
        return createNow(id, record, at)
          ? { kind: 'written', revision: '1', at }
          : { kind: 'refused' };
      }),

    update: (id, revision, patch) =>
      commit(() => {
        const at = clock.now();
        const row = find.get(id) as Row | undefined;
        if (!row || String(row.revision) !== revision) return { kind: 'refused' };
        const document = patchedText(row.document, patch);
        const { changes } = replace.run(at, document, id, row.revision);
        return changes === 1
          ? { kind: 'written', revision: String(row.revision + 1), at }
          : { kind: 'refused' };
      }),

    read: async (ids) => orAway(() => readNow(ids)),

    async transact(ids, decide) {
      return orAway(() =>
        inTransaction(database, () => {
          const read = readNow(ids);
          const order = decide(read);
          if (order.kind === 'create') createNow(order.id, order.record, read.at);
          return read;
        }),
      );
    },

    async select(selection, page) {
      if (selection.by === 'expired') orAway(forget);
      return orAway(() => ({ ...selectOperations(database, selection, page), at: clock.now() }));
    },

    async close() {
      flush();
      database.close();
    },
  };
}
