import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../ports/clock.ts';

/** Each time reads the whole tables, since an index would cost every write. */
const FORGET_EVERY_MS = 60_000;

/**
 * Removes stubs and ended workflows whose time is over, as Firestore's TTL does. Called by whoever looks for
 * what has expired, which archiving begins with; does so once a minute at most.
 */
export function forgetting(database: DatabaseSync, clock: Pick<Clock, 'now'>): () => void {
  let lastAt = -Infinity;
  return () => {
    const now = clock.now();
    if (now - lastAt < FORGET_EVERY_MS) return;
    for (const table of ['operations', 'workflows']) {
      database.prepare(`DELETE FROM ${table} WHERE document ->> 'forgetAt' <= ?`).run(now);
    }
    lastAt = now;
  };
}
