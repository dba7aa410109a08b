import { randomUUID } from 'node:crypto';
import type { TaskMessage } from '../../operation/task.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DeadLetters } from '../../ports/dead-letters.ts';
import type { DeadLetterReason, TaskPublisher } from '../../ports/task-publisher.ts';
import type { TaskQueue } from '../../ports/task-queue.ts';
import { encodeCanonical } from '../../token/canonical.ts';
import { openDatabase } from './database.ts';
import { addColumns, attributesOf, embeddedDeadLetters } from './dead-letters.ts';
import { commitAtOnce, groupCommit } from './group-commit.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS messages (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    data BLOB NOT NULL,
    visible_at REAL NOT NULL,
    deliveries INTEGER NOT NULL DEFAULT 0
  );
  CREATE INDEX IF NOT EXISTS messages_by_time ON messages (visible_at, sequence);
  CREATE TABLE IF NOT EXISTS dead_letters (
    id TEXT NOT NULL,
    data BLOB NOT NULL,
    reason TEXT NOT NULL,
    faults TEXT NOT NULL
  );
`;

/** Since the first build. `attributes` is a JSON object; of tasks that were published as such, null. */
const ADDED = [
  ['messages', 'attributes', 'TEXT'],
  ['dead_letters', 'attributes', 'TEXT'],
  ['dead_letters', 'at', 'REAL'],
  ['dead_letters', 'held_until', 'REAL'],
] as const;

/**
 * For pulls and acknowledgements. One that a power cut takes back is a delivery more, which a queue with
 * these manners makes at times; it isn't worth a wait for the disk. A crash of the process takes back nothing.
 */
const UNSYNCED = 'PRAGMA synchronous = NORMAL';

export interface DeadLetter {
  readonly id: string;
  readonly data: Uint8Array;
  readonly reason: DeadLetterReason;
}

/**
 * A queue with Pub/Sub's manners, in an SQLite file that processes share or in memory: messages come
 * at least once, and again when they are not acknowledged in time.
 */
export interface EmbeddedQueue extends TaskPublisher, TaskQueue {
  deadLetters(): readonly DeadLetter[];
  /** The same, to be looked at and published again. */
  readonly kept: DeadLetters;
  close(): void;
}

export function embeddedQueue(path: string, clock: Clock): EmbeddedQueue {
  const inMemory = path === ':memory:';
  const durable = openDatabase(path, SCHEMA);
  addColumns(durable, ADDED);
  const database = inMemory ? durable : openDatabase(path, UNSYNCED);
  const { commit, flush } = inMemory ? commitAtOnce() : groupCommit(durable);
  const insert = durable.prepare(
    'INSERT INTO messages (id, data, visible_at, attributes) VALUES (?, ?, ?, ?)',
  );
  const bury = durable.prepare(
    'INSERT INTO dead_letters (id, data, reason, faults, attributes, at) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const take = database.prepare(`
    UPDATE messages SET visible_at = ?, deliveries = deliveries + 1
    WHERE sequence = (
      SELECT sequence FROM messages WHERE visible_at <= ? ORDER BY visible_at, sequence LIMIT 1
    ) RETURNING id, data, deliveries, attributes
  `);
  const remove = database.prepare('DELETE FROM messages WHERE id = ?');
  const hide = database.prepare('UPDATE messages SET visible_at = ? WHERE id = ?');
  const next = database.prepare('SELECT min(visible_at) AS at FROM messages');

  return {
    async publish(tasks: readonly TaskMessage[]) {
      const bodies = tasks.map((task) => Buffer.from(encodeCanonical(task)));
      await commit(() => {
        const at = clock.now();
        for (const body of bodies) insert.run(randomUUID(), body, at, null);
      });
    },
    async deadLetter(message, reason) {
      const faults = JSON.stringify(reason.faults);
      const attributes = JSON.stringify(message.attributes);
      await commit(() =>
        bury.run(message.id, message.data, reason.code, faults, attributes, clock.now()),
      );
    },
    pull(ackDeadlineMs) {
      const now = clock.now();
      const row = take.get(now + ackDeadlineMs, now) as
        | { id: string; data: Uint8Array; deliveries: number; attributes: string | null }
        | undefined;
      if (!row) return undefined;
      const { id, data, deliveries } = row;
      return { id, data, attributes: attributesOf(row.attributes), delivery: deliveries };
    },
    acknowledge(id) {
      remove.run(id);
    },
    giveBack(id, delayMs) {
      hide.run(clock.now() + delayMs, id);
    },
    nextVisibleAt() {
      const { at } = next.get() as { at: number | null };
      return at ?? undefined;
    },
    deadLetters() {
      const rows = database.prepare('SELECT * FROM dead_letters').all() as unknown as {
        id: string;
        data: Uint8Array;
        reason: DeadLetterReason['code'];
        faults: string;
      }[];
      return rows.map(({ id, data, reason, faults }) => ({
        id,
        data,
        reason: { code: reason, faults: JSON.parse(faults) as string[] },
      }));
    },
    kept: embeddedDeadLetters(durable, clock, async ({ data, attributes }) => {
      const text = JSON.stringify(attributes);
      await commit(() => insert.run(randomUUID(), data, clock.now(), text));
    }),
    close() {
      flush();
      durable.close();
      if (!inMemory) database.close();
    },
  };
}
