import { randomUUID } from 'node:crypto';
import type { TaskMessage } from '../../operation/task.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DeadLetterReason, TaskPublisher } from '../../ports/task-publisher.ts';
import type { TaskQueue } from '../../ports/task-queue.ts';
import { encodeCanonical } from '../../token/canonical.ts';
import { openDatabase } from './database.ts';
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
  close(): void;
}

export function embeddedQueue(path: string, clock: Clock): EmbeddedQueue {
  const inMemory = path === ':memory:';
  const durable = openDatabase(path, SCHEMA);
  const database = inMemory ? durable : openDatabase(path, UNSYNCED);
  const { commit, flush } = inMemory ? commitAtOnce() : groupCommit(durable);
  const insert = durable.prepare('INSERT INTO messages (id, data, visible_at) VALUES (?, ?, ?)');
  const bury = durable.prepare('INSERT INTO dead_letters VALUES (?, ?, ?, ?)');
  const take = database.prepare(`
    UPDATE messages SET visible_at = ?, deliveries = deliveries + 1
    WHERE sequence = (
      SELECT sequence FROM messages WHERE visible_at <= ? ORDER BY visible_at, sequence LIMIT 1
    ) RETURNING id, data, deliveries
  `);
  const remove = database.prepare('DELETE FROM messages WHERE id = ?');
  const hide = database.prepare('UPDATE messages SET visible_at = ? WHERE id = ?');
  const next = database.prepare('SELECT min(visible_at) AS at FROM messages');

  return {
    async publish(tasks: readonly TaskMessage[]) {
      const bodies = tasks.map((task) => Buffer.from(encodeCanonical(task)));
      await commit(() => {
        const at = clock.now();
        for (const body of bodies) insert.run(randomUUID(), body, at);
      });
    },
    async deadLetter(message, reason) {
      const faults = JSON.stringify(reason.faults);
      await commit(() => bury.run(message.id, message.data, reason.code, faults));
    },
    pull(ackDeadlineMs) {
      const now = clock.now();
      const row = take.get(now + ackDeadlineMs, now) as
        | { id: string; data: Uint8Array; deliveries: number }
        | undefined;
      return row && { id: row.id, data: row.data, attributes: {}, delivery: row.deliveries };
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
    close() {
      flush();
      durable.close();
      if (!inMemory) database.close();
    },
  };
}
