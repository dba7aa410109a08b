import type { Clock } from '../../ports/clock.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { Token } from '../../token/token.ts';
import type { Snapshot, StoredEvent } from '../../workflow/event.ts';
import { inTransaction, openDatabase, orAway } from './database.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS events (
    namespace TEXT NOT NULL,
    root TEXT NOT NULL,
    logical_time INTEGER NOT NULL,
    token TEXT NOT NULL,
    type TEXT NOT NULL,
    schema_version INTEGER NOT NULL,
    at REAL NOT NULL,
    text TEXT NOT NULL,
    UNIQUE (namespace, root, token)
  );
  CREATE INDEX IF NOT EXISTS events_by_position ON events (namespace, root, logical_time, token);
  CREATE TABLE IF NOT EXISTS event_snapshots (
    namespace TEXT NOT NULL,
    root TEXT NOT NULL,
    reducer TEXT NOT NULL,
    logical_time INTEGER NOT NULL,
    token TEXT NOT NULL,
    covered INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (namespace, root, reducer)
  );
`;

const APPEND =
  'INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (namespace, root, token) DO NOTHING';

const READ = `
  SELECT logical_time AS logicalTime, token, type, schema_version AS schemaVersion, at, text
  FROM events WHERE namespace = ? AND root = ? AND (logical_time, token) > (?, ?)
  ORDER BY logical_time, token LIMIT ?
`;

/** Only one that has taken in as many events as there are up to its position. */
const LOAD = `
  SELECT logical_time AS logicalTime, token, covered, text FROM event_snapshots AS snapshot
  WHERE namespace = ? AND root = ? AND reducer = ? AND covered = (
    SELECT count(*) FROM events
    WHERE events.namespace = snapshot.namespace AND events.root = snapshot.root
      AND (events.logical_time, events.token) <= (snapshot.logical_time, snapshot.token)
  )
`;

/** Before every event. */
const START = { logicalTime: -1, token: '' };

/** Event logs in an SQLite file or in memory. Its time is the given clock's. */
export function embeddedEvents(path: string, clock: Clock): EventLog {
  const database = openDatabase(path, SCHEMA);
  const append = database.prepare(APPEND);
  const read = database.prepare(READ);
  const save = database.prepare(
    'INSERT OR REPLACE INTO event_snapshots VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const load = database.prepare(LOAD);

  return {
    async append(namespace, root, events) {
      const at = clock.now();
      const fresh: Token[] = [];
      orAway(() =>
        inTransaction(database, () => {
          for (const { logicalTime, token, type, schemaVersion, text } of events) {
            const row = [namespace, root, logicalTime, token, type, schemaVersion, at, text];
            if (append.run(...row).changes === 1) fresh.push(token);
          }
        }),
      );
      return { fresh };
    },

    async read(namespace, root, { limit, after = START }) {
      const { logicalTime, token } = after;
      const rows = orAway(() => read.all(namespace, root, logicalTime, token, limit));
      const events = rows as unknown as StoredEvent[];
      const last = events.at(-1);
      if (events.length < limit || !last) return { events };
      return { events, next: { logicalTime: last.logicalTime, token: last.token } };
    },

    async saveSnapshot(namespace, root, reducer, { position, covered, text }) {
      const { logicalTime, token } = position;
      orAway(() => save.run(namespace, root, reducer, logicalTime, token, covered, text));
    },

    async loadSnapshot(namespace, root, reducer) {
      const row = orAway(() => load.get(namespace, root, reducer)) as
        | (Snapshot['position'] & Omit<Snapshot, 'position'>)
        | undefined;
      if (!row) return undefined;
      const { logicalTime, token, covered, text } = row;
      return { position: { logicalTime, token }, covered, text };
    },

    async close() {
      database.close();
    },
  };
}
