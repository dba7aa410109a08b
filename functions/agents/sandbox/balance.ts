import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { kindSchema } from './contract.ts';

const moneySchema = z.object({ charged: z.int(), refunded: z.int(), kept: z.int() });
const orderBalanceSchema = z.object({
  orderId: z.string(),
  /** How many effects of each kind the order has had; a kind that it never had is left out. */
  effects: z.partialRecord(kindSchema, z.int()),
  /** Units reserved and not released. */
  unitsHeld: z.int(),
  /** Shipments made and not cancelled. */
  shipments: z.int(),
  cents: moneySchema,
});
/** Totals over the whole ledger. `available` is `seeded - reserved + released`, always. */
export const balanceSchema = z.object({
  effects: z.int(),
  stock: z.array(
    z.object({
      sku: z.string(),
      seeded: z.int(),
      reserved: z.int(),
      released: z.int(),
      available: z.int(),
    }),
  ),
  cents: moneySchema,
  shipments: z.object({ shipped: z.int(), cancelled: z.int() }),
  orders: z.array(orderBalanceSchema),
});
export type Balance = z.infer<typeof balanceSchema>;

const stockSql = `SELECT sku, seeded, available,
    COALESCE(SUM(quantity) FILTER (WHERE kind = 'reserve'), 0) AS reserved,
    COALESCE(SUM(quantity) FILTER (WHERE kind = 'release'), 0) AS released
  FROM stock LEFT JOIN effects USING (sku) GROUP BY sku ORDER BY sku`;
const groupsSql = `SELECT order_id AS orderId, kind, COUNT(*) AS count,
    COALESCE(SUM(quantity), 0) AS quantity, COALESCE(SUM(amount_cents), 0) AS amountCents
  FROM effects GROUP BY order_id, kind ORDER BY MIN(seq)`;

const groupSchema = z.object({
  orderId: z.string(),
  kind: kindSchema,
  count: z.int(),
  quantity: z.int(),
  amountCents: z.int(),
});
type Group = z.infer<typeof groupSchema>;

/** What the ledger adds up to, overall and by order; orders come in the order of their first effect. */
export function readBalance(db: DatabaseSync): Balance {
  const groups = db
    .prepare(groupsSql)
    .all()
    .map((row) => groupSchema.parse(row));
  const byOrder = Map.groupBy(groups, (group) => group.orderId);
  return balanceSchema.parse({
    effects: groups.reduce((sum, { count }) => sum + count, 0),
    stock: db.prepare(stockSql).all(),
    cents: money(groups),
    shipments: {
      shipped: total(groups, ['ship'], 'count'),
      cancelled: total(groups, ['cancel'], 'count'),
    },
    orders: [...byOrder].map(([orderId, own]) => ({
      orderId,
      effects: Object.fromEntries(own.map(({ kind, count }) => [kind, count])),
      unitsHeld: total(own, ['reserve'], 'quantity') - total(own, ['release'], 'quantity'),
      shipments: total(own, ['ship'], 'count') - total(own, ['cancel'], 'count'),
      cents: money(own),
    })),
  });
}

function total(
  groups: readonly Group[],
  kinds: readonly Group['kind'][],
  of: 'count' | 'quantity' | 'amountCents',
): number {
  return groups
    .filter(({ kind }) => kinds.includes(kind))
    .reduce((sum, group) => sum + group[of], 0);
}

function money(groups: readonly Group[]): z.infer<typeof moneySchema> {
  const charged = total(groups, ['charge'], 'amountCents');
  const refunded = total(groups, ['refund'], 'amountCents');
  return { charged, refunded, kept: charged - refunded };
}
