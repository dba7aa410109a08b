import type { DatabaseSync } from 'node:sqlite';

/**
 * Removes stubs and ended workflows whose time is over, as Firestore's TTL does. Whoever looks for what has
 * expired does it, which archiving begins with: it reads the whole table, since an index would cost every
 * write.
 */
export function forgetOver(database: DatabaseSync, now: number): void {
  for (const table of ['operations', 'workflows']) {
    database.prepare(`DELETE FROM ${table} WHERE document ->> 'forgetAt' <= ?`).run(now);
  }
}
