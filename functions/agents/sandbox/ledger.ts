import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { z } from 'zod';
import { effectSchema } from './contract.ts';
import type { Agent, Effect, EffectKind, Honours } from './contract.ts';
import { inTransaction } from './ledger-file.ts';
import type { Books, Decision, Entry, Refusal } from './rules.ts';

export interface EffectRequest {
  agent: Agent;
  kind: EffectKind;
  honours: Honours;
  orderId: string;
  idempotencyKey: string | null;
  trackingId: string | null;
  bodyHash: string;
  decide: (books: Books) => Decision;
}

export type Acceptance =
  | { outcome: 'accepted' | 'replayed'; effect: Effect }
  | { outcome: 'refused'; refusal: Refusal };

export interface EffectFilter {
  order?: string | undefined;
  agent?: Agent | undefined;
  kind?: EffectKind | undefined;
}

export interface Ledger {
  /** Decides and writes in one transaction: an accepted effect is durable when this returns. */
  accept: (request: EffectRequest, at: Date) => Acceptance;
  /** In the order in which they were accepted. */
  effects: (filter?: EffectFilter) => Effect[];
  findByTrackingId: (agent: Agent, trackingId: string) => Effect | undefined;
  /** Sets how many of a sku there were at first; what is reserved stays so. Safe to repeat. */
  seed: (sku: string, quantity: number) => { sku: string; seeded: number; available: number };
}

const columns = `seq, kind || '-' || seq AS id, agent, kind, honours, order_id AS orderId, sku, quantity,
  amount_cents AS amountCents, reverses, idempotency_key AS idempotencyKey,
  tracking_id AS trackingId, body_hash AS bodyHash, at`;
const insert = `INSERT INTO effects (agent, kind, honours, order_id, sku, quantity, amount_cents,
    reverses, idempotency_key, tracking_id, body_hash, at)
  VALUES (:agent, :kind, :honours, :orderId, :sku, :quantity, :amountCents,
    :reverses, :idempotencyKey, :trackingId, :bodyHash, :at)`;
const totalsSchema = z.object({ count: z.int(), quantity: z.int(), amountCents: z.int() });
const stockRowSchema = z.object({ sku: z.string(), seeded: z.int(), available: z.int() });

export function createLedger(db: DatabaseSync): Ledger {
  const books = createBooks(db);
  const stock = db.prepare('SELECT sku, seeded, available FROM stock WHERE sku = ?');
  const seed = db.prepare(`INSERT INTO stock (sku, seeded, available) VALUES (?, ?, ?)
    ON CONFLICT (sku) DO UPDATE SET seeded = excluded.seeded,
      available = stock.available + excluded.seeded - stock.seeded`);
  return {
    accept: (request, at) =>
      inTransaction(db, () => {
        const earlier = earlierUse(db, request);
        if (earlier) return answerAgain(request, earlier);
        const decision = request.decide(books);
        if ('refusal' in decision) return { outcome: 'refused', refusal: decision.refusal };
        return { outcome: 'accepted', effect: write(db, request, decision.entry, at) };
      }),
    effects: ({ order, agent, kind } = {}) =>
      select(
        db,
        `WHERE (?1 IS NULL OR order_id = ?1) AND (?2 IS NULL OR agent = ?2)
          AND (?3 IS NULL OR kind = ?3) ORDER BY seq`,
        [order ?? null, agent ?? null, kind ?? null],
      ),
    findByTrackingId: (agent, trackingId) => trackedUse(db, agent, trackingId),
    seed: (sku, quantity) => {
      seed.run(sku, quantity, quantity);
      return stockRowSchema.parse(stock.get(sku));
    },
  };
}

function select(db: DatabaseSync, where: string, values: SQLInputValue[]): Effect[] {
  const rows = db.prepare(`SELECT ${columns} FROM effects ${where}`).all(...values);
  return rows.map((row) => effectSchema.parse(row));
}

function createBooks(db: DatabaseSync): Books {
  const available = db.prepare('SELECT available FROM stock WHERE sku = ?');
  const reversed = db.prepare(`SELECT COUNT(*) AS count, COALESCE(SUM(quantity), 0) AS quantity,
    COALESCE(SUM(amount_cents), 0) AS amountCents FROM effects WHERE reverses = ?`);
  return {
    available: (sku) => Number(available.get(sku)?.['available'] ?? 0),
    find: (id) => {
      const seq = Number(/-(\d{1,15})$/.exec(id)?.[1]);
      if (Number.isNaN(seq)) return undefined;
      return select(db, 'WHERE seq = ?', [seq]).find((effect) => effect.id === id);
    },
    reversed: (id) => totalsSchema.parse(reversed.get(id)),
  };
}

function trackedUse(db: DatabaseSync, agent: Agent, trackingId: string): Effect | undefined {
  const where = `WHERE agent = ? AND honours = 'tracking-id' AND tracking_id = ?`;
  return select(db, where, [agent, trackingId])[0];
}

/** The effect that the same key or tracking id has made already, where the call honours it. */
function earlierUse(db: DatabaseSync, request: EffectRequest): Effect | undefined {
  const { agent, honours, idempotencyKey, trackingId } = request;
  switch (honours) {
    case 'nothing':
      return undefined;
    case 'tracking-id':
      return trackingId === null ? undefined : trackedUse(db, agent, trackingId);
    case 'idempotency-key': {
      const where = `WHERE agent = ? AND honours = 'idempotency-key' AND idempotency_key = ?`;
      return idempotencyKey === null ? undefined : select(db, where, [agent, idempotencyKey])[0];
    }
  }
}

function answerAgain(request: EffectRequest, effect: Effect): Acceptance {
  if (request.honours === 'tracking-id') {
    const message = `tracking id ${request.trackingId} was used by ${effect.id}`;
    const refusal = { status: 409, code: 'tracking_id_used', message, effect };
    return { outcome: 'refused', refusal };
  }
  if (effect.bodyHash === request.bodyHash) return { outcome: 'replayed', effect };
  const message = `the key was first sent with another request, which made ${effect.id}`;
  return { outcome: 'refused', refusal: { status: 422, code: 'idempotency_key_reused', message } };
}

function write(db: DatabaseSync, request: EffectRequest, entry: Entry, at: Date): Effect {
  const { sku = null, quantity = null, amountCents = null, reverses = null } = entry;
  const { decide: _, ...asked } = request;
  const { lastInsertRowid } = db
    .prepare(insert)
    .run({ ...asked, sku, quantity, amountCents, reverses, at: at.toISOString() });
  if (sku !== null && quantity !== null) {
    const change = request.kind === 'reserve' ? -quantity : quantity;
    db.prepare('UPDATE stock SET available = available + ? WHERE sku = ?').run(change, sku);
  }
  const [effect] = select(db, 'WHERE seq = ?', [lastInsertRowid]);
  if (!effect) throw new Error('The ledger does not show the effect that it has just written.');
  return effect;
}
