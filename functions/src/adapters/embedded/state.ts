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
  CREATE TABLE IF NOT EXISTS entity_times (
    namespace TEXT NOT NULL,
    entity TEXT NOT NULL,
    asked REAL NOT NULL,
    PRIMARY KEY (namespace, entity)
  ) WITHOUT ROWID;
`;

const OF_ENTITY =
  'SELECT version, token, schema_version AS schemaVersion, at, text FROM entity_versions ' +
  'WHERE namespace = ? AND entity = ?';

const KEEP_ASKED =
  'INSERT INTO entity_times VALUES (?, ?, ?) ' +
  'ON CONFLICT (namespace, entity) DO UPDATE SET asked = max(asked, excluded.asked)';

/**
 * Versioned entities in an SQLite file or in memory. Its time is the given clock's, held back from
 * running backwards within an entity: a version is never older than the one before it, nor than a time
 * that had passed when somebody asked what the entity was then.
 */
export function embeddedState(path: string, clock: Clock): StateStore {
  const database = openDatabase(path, SCHEMA);
  const newest = database.prepare(`${OF_ENTITY} ORDER BY version DESC LIMIT 1`);
  const byVersion = database.prepare(`${OF_ENTITY} AND version = ?`);
  const byToken = database.prepare(`${OF_ENTITY} AND token = ?`);
  const asOf = database.prepare(`${OF_ENTITY} AND at <= ? ORDER BY version DESC LIMIT 1`);
  const after = database.prepare(`${OF_ENTITY} AND version > ? ORDER BY version LIMIT ?`);
  const latestAsked = database.prepare(
    'SELECT asked FROM entity_times WHERE namespace = ? AND entity = ?',
  );
  const keepAsked = database.prepare(KEEP_ASKED);
  const insert = database.prepare('INSERT INTO entity_versions VALUES (?, ?, ?, ?, ?, ?, ?)');

  function askedOf(namespace: Namespace, entity: EntityId): number {
    const row = latestAsked.get(namespace, entity) as { asked: number } | undefined;
    return row?.asked ?? -Infinity;
  }

  /** What the entity was at a time that has passed stays so, though the clock be set back behind it. */
  function settle(namespace: Namespace, entity: EntityId, time: number): void {
    if (time >= clock.now() || time <= askedOf(namespace, entity)) return;
    const head = newest.get(namespace, entity) as StateVersion | undefined;
    if (head === undefined || head.at <= time) keepAsked.run(namespace, entity, time);
  }

  function timeOfNext(namespace: Namespace, entity: EntityId, headAt: number): number {
    const now = clock.now();
    const asked = askedOf(namespace, entity);
    return Math.max(now > asked ? now : asked + 1, headAt);
  }

  function writeNow(namespace: Namespace, entity: EntityId, write: StateWrite): StateWriteAnswer {
    const head = newest.get(namespace, entity) as StateVersion | undefined;
    const applied = byToken.get(namespace, entity, write.token) as StateVersion | undefined;
    const decision = decideWrite({ version: head?.version ?? 0, applied }, write.ifVersion);
    if (decision.kind !== 'write') return decision;
    const { ifVersion, token, schemaVersion, text } = write;
    const version = ifVersion + 1;
    const at = timeOfNext(namespace, entity, head?.at ?? 0);
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
      orAway(() => {
        settle(namespace, entity, time);
        return asOf.get(namespace, entity, time);
      }) as StateVersion | undefined,

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
