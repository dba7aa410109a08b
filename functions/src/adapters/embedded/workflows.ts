import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { Clock } from '../../ports/clock.ts';
import type { DocumentWrite, WorkflowDocuments } from '../../ports/workflow-documents.ts';
import type { StoredWorkflow, WorkflowRecord } from '../../workflow/record.ts';
import { inTransaction, orAway } from './database.ts';
import { patchedText } from './patch.ts';
import type { Row } from './row.ts';
import { commonQuery } from './select.ts';

export const WORKFLOW_SCHEMA = `
  CREATE TABLE IF NOT EXISTS workflows (
    id TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    document TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS workflows_by_status
    ON workflows (document ->> 'namespace', document ->> 'status', id);
  CREATE INDEX IF NOT EXISTS workflows_by_due
    ON workflows (document ->> 'shard', document ->> 'dueAt', id)
    WHERE document ->> 'dueAt' IS NOT NULL;
`;

/** A condition that does not hold; rolls the commit back. */
class Refused extends Error {
  override readonly name = 'Refused';
}

/** Workflows beside operations in one database, and commits over both. */
export function embeddedWorkflows(database: DatabaseSync, clock: Clock): WorkflowDocuments {
  function apply(write: DocumentWrite, at: number): string {
    if (write.kind === 'create') {
      const { changes } = database
        .prepare(
          'INSERT OR IGNORE INTO workflows (id, revision, created_at, updated_at, document) VALUES (?, 1, ?, ?, ?)',
        )
        .run(write.id, at, at, JSON.stringify(write.record));
      if (changes !== 1) throw new Refused();
      return '1';
    }
    const row = database.prepare(`SELECT * FROM ${write.of} WHERE id = ?`).get(write.id) as
      | Row
      | undefined;
    if (!row || (write.revision !== undefined && String(row.revision) !== write.revision)) {
      throw new Refused();
    }
    database
      .prepare(
        `UPDATE ${write.of} SET revision = revision + 1, updated_at = ?, document = ? WHERE id = ?`,
      )
      .run(at, patchedText(row.document, write.patch), write.id);
    return String(row.revision + 1);
  }

  return {
    async commit(writes) {
      const at = clock.now();
      try {
        const revisions = orAway(() =>
          inTransaction(database, () => writes.map((write) => apply(write, at))),
        );
        return { kind: 'written', revisions, at };
      } catch (error) {
        if (error instanceof Refused) return { kind: 'refused' };
        throw error;
      }
    },

    async readWorkflow(id) {
      const row = orAway(() => database.prepare('SELECT * FROM workflows WHERE id = ?').get(id));
      const at = clock.now();
      return row ? { found: storedWorkflow(row as unknown as Row), at } : { at };
    },

    async selectWorkflows(selection, { limit, after }) {
      const { where, values, order } = commonQuery(selection);
      const position = after === undefined ? [] : (JSON.parse(after) as SQLInputValue[]);
      const behind =
        position.length === 0
          ? ''
          : `AND (${order.join(', ')}) > (${order.map(() => '?').join(', ')})`;
      const rows = orAway(() =>
        database
          .prepare(
            `SELECT *, document ->> 'dueAt' AS due_at FROM workflows WHERE ${where} ${behind} ORDER BY ${order.join(', ')} LIMIT ?`,
          )
          .all(...values, ...position, limit),
      ) as unknown as (Row & { due_at: number })[];
      const page = { found: rows.map(storedWorkflow), at: clock.now() };
      const last = rows.at(-1);
      if (rows.length < limit || !last) return page;
      const next = selection.by === 'due' ? [last.due_at, last.id] : [last.id];
      return { ...page, next: JSON.stringify(next) };
    },
  };
}

function storedWorkflow(row: Row): StoredWorkflow {
  return {
    record: JSON.parse(row.document) as WorkflowRecord,
    revision: String(row.revision),
    updatedAt: row.updated_at,
  };
}
