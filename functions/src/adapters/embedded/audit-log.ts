import { auditEntryId } from '../../operation/audit.ts';
import type { AuditEntry, AuditLog } from '../../ports/audit-log.ts';
import { openDatabase, orAway } from './database.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS interventions (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    namespace TEXT NOT NULL,
    token TEXT NOT NULL,
    verb TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    at REAL NOT NULL,
    phase TEXT NOT NULL DEFAULT 'done'
  );
  CREATE INDEX IF NOT EXISTS interventions_by_token ON interventions (namespace, token, at, id);
  CREATE TRIGGER IF NOT EXISTS interventions_stay BEFORE UPDATE ON interventions
    BEGIN SELECT RAISE(ABORT, 'interventions are append-only'); END;
  CREATE TRIGGER IF NOT EXISTS interventions_remain BEFORE DELETE ON interventions
    BEGIN SELECT RAISE(ABORT, 'interventions are append-only'); END;
`;

/** Files of before there were phases hold what was done. */
const HAS_PHASES = "SELECT 1 FROM pragma_table_info('interventions') WHERE name = 'phase'";
const ADD_PHASES = "ALTER TABLE interventions ADD COLUMN phase TEXT NOT NULL DEFAULT 'done'";

/** Interventions in an SQLite file, or in memory. */
export function embeddedAuditLog(path: string): AuditLog {
  const database = openDatabase(path, SCHEMA);
  if (!database.prepare(HAS_PHASES).get()) database.exec(ADD_PHASES);
  const insert = database.prepare(
    'INSERT OR IGNORE INTO interventions (id, namespace, token, verb, actor, reason, at, phase) ' +
      'VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const select = database.prepare(
    'SELECT namespace, token, verb, actor, reason, at, phase, id FROM interventions ' +
      'WHERE namespace = ? AND token = ? AND (at, id) > (?, ?) ORDER BY at, id LIMIT ?',
  );

  return {
    async append(entry) {
      const { namespace, token, verb, actor, reason, at, phase } = entry;
      const id = auditEntryId(entry);
      orAway(() => insert.run(id, namespace, token, verb, actor, reason, at, phase));
    },

    async read(namespace, token, { limit, after }) {
      const [at, id] = after === undefined ? [-1, ''] : (JSON.parse(after) as [number, string]);
      const rows = orAway(() => select.all(namespace, token, at, id, limit)) as unknown as Row[];
      const entries = rows.map(({ verb, actor, reason, at: done, phase }) => {
        return { namespace, token, verb, actor, reason, at: done, phase };
      });
      const last = rows.at(-1);
      if (rows.length < limit || !last) return { entries };
      return { entries, next: JSON.stringify([last.at, last.id]) };
    },

    async close() {
      database.close();
    },
  };
}

type Row = AuditEntry & { readonly id: string };
