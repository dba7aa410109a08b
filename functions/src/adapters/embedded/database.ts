import { DatabaseSync } from 'node:sqlite';
import { StoreAway } from '../../operation/errors.ts';

/** How long a writer waits for another process's write before the store counts as away. */
const BUSY_TIMEOUT_MS = 4_000;

/**
 * Opens an SQLite database on a file, shared by any number of processes, or in memory (`:memory:`).
 * Every commit is on disk before it is answered: WAL with `synchronous=FULL`.
 */
export function openDatabase(path: string, schema: string): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = FULL');
  database.exec(schema);
  return database;
}

/** Runs `work` in one write transaction; any throw rolls it back. */
export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** SQLite's own failures (busy, disk full, closed) mean that the outcome is unknown. */
export function orAway<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const sqlite = error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR';
    if (!sqlite) throw error;
    throw new StoreAway(`The embedded store failed: ${error.message}`, { cause: error });
  }
}
