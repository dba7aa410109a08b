import type { z } from 'zod';
import {
  cancelSchema,
  chargeSchema,
  genericSchema,
  refundSchema,
  releaseSchema,
  reserveSchema,
  shipSchema,
} from './contract.ts';
import type { Agent, EffectKind, Honours, InputFault } from './contract.ts';
import { inputFaults } from './input-faults.ts';
import { refuse, reversal } from './rules.ts';
import type { Books, Decision } from './rules.ts';

/** A valid body, and what the provider's rules make of it given what it has accepted so far. */
export interface Order {
  orderId: string;
  trackingId: string | null;
  decide: (books: Books) => Decision;
}

export type ParsedOrder = { ok: true; order: Order } | { ok: false; faults: InputFault[] };

/** One kind of effect that a caller can ask for. */
export interface Call {
  agent: Agent;
  kind: EffectKind;
  honours: Honours;
  parse: (body: unknown) => ParsedOrder;
}

type Body = { orderId: string; trackingId?: string | undefined };

function call<T extends Body>(
  [agent, kind, honours]: [Agent, EffectKind, Honours],
  schema: z.ZodType<T>,
  decide: (body: T, books: Books) => Decision,
): Call {
  const parse = (value: unknown): ParsedOrder => {
    const parsed = schema.safeParse(value);
    if (!parsed.success) return { ok: false, faults: inputFaults(parsed.error) };
    const body = parsed.data;
    const { orderId, trackingId = null } = body;
    return { ok: true, order: { orderId, trackingId, decide: (books) => decide(body, books) } };
  };
  return { agent, kind, honours, parse };
}

const reserve = call(
  ['inventory', 'reserve', 'tracking-id'],
  reserveSchema,
  ({ sku, quantity }, books) => {
    const available = books.available(sku);
    if (available >= quantity) return { entry: { sku, quantity } };
    return refuse(409, 'out_of_stock', `${available} of ${sku} left, ${quantity} asked for`);
  },
);

const release = call(
  ['inventory', 'release', 'tracking-id'],
  releaseSchema,
  ({ orderId, reservationId, quantity }, books) =>
    reversal(books, { kind: 'reserve', noun: 'reservation', id: reservationId, orderId }, (made) =>
      quantity <= (made.quantity ?? 0) - books.reversed(made.id).quantity
        ? { entry: { sku: made.sku, quantity, reverses: made.id } }
        : refuse(409, 'release_exceeds_reservation', `${made.id} holds less than ${quantity}`),
    ),
);

const charge = call(
  ['payments', 'charge', 'idempotency-key'],
  chargeSchema,
  ({ amountCents, card }) =>
    card === 'declined'
      ? refuse(402, 'card_declined', 'the card was declined')
      : { entry: { amountCents } },
);

const refund = call(
  ['payments', 'refund', 'idempotency-key'],
  refundSchema,
  ({ orderId, chargeId, amountCents }, books) =>
    reversal(books, { kind: 'charge', noun: 'charge', id: chargeId, orderId }, (made) =>
      amountCents <= (made.amountCents ?? 0) - books.reversed(made.id).amountCents
        ? { entry: { amountCents, reverses: made.id } }
        : refuse(409, 'refund_exceeds_charge', `${made.id} has less than ${amountCents} left`),
    ),
);

const ship = call(['shipping', 'ship', 'nothing'], shipSchema, ({ address }) =>
  address === 'undeliverable'
    ? refuse(422, 'undeliverable', 'nothing can be delivered to this address')
    : { entry: {} },
);

const cancel = call(
  ['shipping', 'cancel', 'nothing'],
  cancelSchema,
  ({ orderId, shipmentId }, books) =>
    reversal(books, { kind: 'ship', noun: 'shipment', id: shipmentId, orderId }, (made) =>
      books.reversed(made.id).count === 0
        ? { entry: { reverses: made.id } }
        : refuse(409, 'already_cancelled', `${made.id} is cancelled already`),
    ),
);

function generic(kind: 'plain' | 'keyed' | 'tracked', honours: Honours): Call {
  return call(['effects', kind, honours], genericSchema, ({ quantity, amountCents }) => ({
    entry: { quantity: quantity ?? null, amountCents: amountCents ?? null },
  }));
}

/** Every call that makes an effect, by its path; all of them are POST. */
export const calls: ReadonlyMap<string, Call> = new Map([
  ['/inventory/reserve', reserve],
  ['/inventory/release', release],
  ['/payments/charge', charge],
  ['/payments/refund', refund],
  ['/shipping/ship', ship],
  ['/shipping/cancel', cancel],
  ['/effects/plain', generic('plain', 'nothing')],
  ['/effects/keyed', generic('keyed', 'idempotency-key')],
  ['/effects/tracked', generic('tracked', 'tracking-id')],
]);

/** Where GET of a tracking id tells what became of it. Nothing tells about the other calls. */
export const statusRoutes: ReadonlyMap<string, Agent> = new Map([
  ['/inventory/status', 'inventory'],
  ['/effects/tracked/status', 'effects'],
]);
