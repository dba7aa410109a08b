import type { Clock } from '../../ports/clock.ts';
import type { StateStore, StateWrite, StateWriteAnswer } from '../../ports/state-store.ts';
import type { Namespace, Token } from '../../token/token.ts';
import { decideWrite } from '../../workflow/state.ts';
import type { EntityId, StateVersion } from '../../workflow/state.ts';
import { inTransaction, openDatabase, orAway } from './database.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS entity_versions (
    namespace TEXT NOT NULL,
    entity TEXT NOT NULL,
    version INTEGER NOT NULL,
    token TEXT NOT NULL,
    schema_version INTEGER NOT NULL,
    at REAL NOT NULL,
    text TEXT NOT NULL,
    UNIQUE (namespace, entity, version),
    UNIQUE (namespace, entity, token)
  );
`;

const OF_ENTITY =
  'SELECT version, token, schema_version AS schemaVersion, at, text FROM entity_versions ' +
  'WHERE namespace = ? AND entity = ?';

/**
 * Versioned entities in an SQLite file or in memory. Its time is the given clock's, held back from
 * running backwards within an entity.
 */
export function embeddedState(path: string, clock: Clock): StateStore {
  const database = openDatabase(path, SCHEMA);
  const newest = database.prepare(`${OF_ENTITY} ORDER BY version DESC LIMIT 1`);
  const byVersion = database.prepare(`${OF_ENTITY} AND version = ?`);
  const byToken = database.prepare(`${OF_ENTITY} AND token = ?`);
  const asOf = database.prepare(`${OF_ENTITY} AND at <= ? ORDER BY version DESC LIMIT 1`);
  const after = database.prepare(`${OF_ENTITY} AND version > ? ORDER BY version LIMIT ?`);
  const insert = database.prepare('INSERT INTO entity_versions VALUES (?, ?, ?, ?, ?, ?, ?)');

  function writeNow(namespace: Namespace, entity: EntityId, write: StateWrite): StateWriteAnswer {
    const head = newest.get(namespace, entity) as StateVersion | undefined;
    const applied = byToken.get(namespace, entity, write.token) as StateVersion | undefined;
    const decision = decideWrite({ version: head?.version ?? 0, applied }, write.ifVersion);
    if (decision.kind !== 'write') return decision;
    const { ifVersion, token, schemaVersion, text } = write;
    const version = ifVersion + 1;
    const at = Math.max(clock.now(), head?.at ?? 0);
    insert.run(namespace, entity, version, token, schemaVersion, at, text);
    return { kind: 'written', version, at };
  }

  return {
    async read(namespace, entity) {
      const head = orAway(() => newest.get(namespace, entity)) as StateVersion | undefined;
      return head && { ...head, revision: String(head.version) };
    },

    write: async (namespace, entity, write) =>
      orAway(() => inTransaction(database, () => writeNow(namespace, entity, write))),

    readVersion: async (namespace, entity, version) =>
      orAway(() => byVersion.get(namespace, entity, version)) as StateVersion | undefined,

    readApplied: async (namespace, entity, token: Token) =>
      orAway(() => byToken.get(namespace, entity, token)) as StateVersion | undefined,

    readAsOf: async (namespace, entity, time) =>
      orAway(() => asOf.get(namespace, entity, time)) as StateVersion | undefined,

    async history(namespace, entity, page) {
      const from = Number(page.after ?? 0);
      const rows = orAway(() => after.all(namespace, entity, from, page.limit));
      const versions = rows as unknown as StateVersion[];
      const last = versions.at(-1);
      if (versions.length < page.limit || !last) return { versions };
      return { versions, next: String(last.version) };
    },

    async close() {
      database.close();
    },
  };
}
