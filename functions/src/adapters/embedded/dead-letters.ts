import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../ports/clock.ts';
import type { DeadLetter, DeadLetters, WhyDead } from '../../ports/dead-letters.ts';
import type { RawMessage } from '../../ports/task-publisher.ts';
import { inTransaction } from './database.ts';

const HELD_MS = 60_000;

interface Row {
  readonly number: number;
  readonly id: string;
  readonly data: Uint8Array;
  readonly attributes: string | null;
  readonly reason: WhyDead;
  readonly faults: string;
  readonly at: number | null;
}

/** The dead letters of an embedded queue. */
export function embeddedDeadLetters(
  database: DatabaseSync,
  clock: Clock,
  publish: (message: RawMessage) => Promise<void>,
): DeadLetters {
  const take = database.prepare(`
    UPDATE dead_letters SET held_until = ? WHERE rowid IN (
      SELECT rowid FROM dead_letters WHERE coalesce(held_until, 0) <= ? ORDER BY rowid LIMIT ?
    ) RETURNING rowid AS number, *
  `);
  const remove = database.prepare('DELETE FROM dead_letters WHERE rowid = ?');
  const release = database.prepare('UPDATE dead_letters SET held_until = 0 WHERE rowid = ?');
  return {
    async take(limit) {
      const now = clock.now();
      const rows = take.all(now + HELD_MS, now, limit) as unknown as Row[];
      return rows.toSorted((a, b) => a.number - b.number).map(deadLetter);
    },
    publishAgain: ({ message }) => publish(message),
    acknowledge: async (handle) => void remove.run(Number(handle)),
    async giveBack(handles) {
      inTransaction(database, () => {
        for (const handle of handles) release.run(Number(handle));
      });
    },
    close: async () => {}, // the database is the queue's
  };
}

function deadLetter({ number, id, data, attributes, reason, faults, at }: Row): DeadLetter {
  return {
    id: String(number),
    handle: String(number),
    message: { id, data, attributes: attributesOf(attributes) },
    why: reason,
    faults: JSON.parse(faults) as string[],
    ...(at !== null && { at }),
  };
}

export function attributesOf(text: string | null): Record<string, string> {
  return text === null ? {} : (JSON.parse(text) as Record<string, string>);
}

/** Columns that files of earlier builds lack. */
export function addColumns(
  database: DatabaseSync,
  columns: readonly (readonly [table: string, column: string, type: string])[],
): void {
  inTransaction(database, () => {
    for (const [table, column, type] of columns) {
      const known = database.prepare('SELECT 1 FROM pragma_table_info(?) WHERE name = ?');
      if (known.get(table, column)) continue;
      database.exec(`ALTER TABLE ${table} ADD COLUMN ${column} ${type}`);
    }
  });
}
