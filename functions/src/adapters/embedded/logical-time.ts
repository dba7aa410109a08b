import type { LogicalTimeStore } from '../../ports/logical-time.ts';
import { openDatabase, orAway } from './database.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS logical_times (
    namespace TEXT PRIMARY KEY,
    reserved INTEGER NOT NULL
  ) WITHOUT ROWID;
`;

/** Every block ends where the next may begin: its end is what is kept. */
const RESERVE = `
  INSERT INTO logical_times VALUES (?1, ?3 + 1 + ?2)
  ON CONFLICT (namespace) DO UPDATE SET reserved = max(reserved, ?3 + 1) + ?2
  RETURNING reserved AS "to"
`;

/** Blocks of logical time from a counter in an SQLite file or in memory. */
export function embeddedLogicalTime(path: string): LogicalTimeStore {
  const database = openDatabase(path, SCHEMA);
  const reserve = database.prepare(RESERVE);

  return {
    async reserveBlock(namespace, size, after = 0) {
      const { to } = orAway(() => reserve.get(namespace, size, after)) as { to: number };
      return { from: to - size, to };
    },

    async close() {
      database.close();
    },
  };
}
