import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const tables = `
  CREATE TABLE IF NOT EXISTS effects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    agent TEXT NOT NULL,
    kind TEXT NOT NULL,
    honours TEXT NOT NULL,
    order_id TEXT NOT NULL,
    sku TEXT,
    quantity INTEGER,
    amount_cents INTEGER,
    reverses TEXT,
    idempotency_key TEXT,
    tracking_id TEXT,
    body_hash TEXT NOT NULL,
    at TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS one_effect_a_key ON effects (agent, idempotency_key)
    WHERE honours = 'idempotency-key' AND idempotency_key IS NOT NULL;
  CREATE UNIQUE INDEX IF NOT EXISTS one_effect_a_tracking_id ON effects (agent, tracking_id)
    WHERE honours = 'tracking-id' AND tracking_id IS NOT NULL;
  CREATE INDEX IF NOT EXISTS effects_by_order ON effects (order_id);
  CREATE INDEX IF NOT EXISTS effects_by_reversed ON effects (reverses) WHERE reverses IS NOT NULL;
  CREATE TABLE IF NOT EXISTS stock (
    sku TEXT PRIMARY KEY,
    seeded INTEGER NOT NULL,
    available INTEGER NOT NULL
  ) STRICT;
`;

/** Opens the ledger's file, made with its folder if need be; what is committed survives a SIGKILL. */
export function openLedgerFile(file: string): DatabaseSync {
  mkdirSync(dirname(file), { recursive: true });
  const db = new DatabaseSync(file);
  db.exec('PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  db.exec(tables);
  return db;
}

/** Runs work in one write transaction: all of it is durable when this returns, none if it throws. */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}
