import { z } from 'zod';

import { chargeCard, refundCard } from '../../../functions/agents/order/payments.ts';
import { asking, provider } from '../../../functions/agents/order/provider.ts';
import { SandboxRefusal } from '../../../functions/agents/sandbox/client.ts';
import type { Accepted } from '../../../functions/agents/sandbox/client.ts';
import { defineStep, defineWorkflow, undoWith } from '../../../functions/src/index.ts';

export const sagaSchema = z.object({
  orderId: z.string(),
  sku: z.string(),
  quantity: z.int().min(1),
  amountCents: z.int().min(1),
});

export type SagaInput = z.output<typeof sagaSchema>;

/** What the provider calls its effect for a shipment: its generic one, which honours keys. */
export const SHIPPED = 'keyed';

const reserve = defineStep({
  action: 'inventory.reserve',
  effect: 'reconcilable',
  params: sagaSchema.pick({ orderId: true, sku: true, quantity: true }),
  async run({ params, start, signal }) {
    const trackingId = await start();
    signal.throwIfAborted();
    return tracked(() => provider().reserve(params, { trackingId, signal }));
  },
  reconcile: ({ trackingId, signal }) => statusOf(trackingId, signal),
});

const release = defineStep({
  action: 'inventory.release',
  effect: 'reconcilable',
  params: z.object({ orderId: z.string(), reservationId: z.string(), quantity: z.int().min(1) }),
  async run({ params, start, signal }) {
    const trackingId = await start();
    signal.throwIfAborted();
    return tracked(() => provider().release(params, { trackingId, signal }));
  },
  reconcile: ({ trackingId, signal }) => statusOf(trackingId, signal),
});

/** Idempotent, unlike the worked example's: a kill in it never leaves a question for a person. */
const ship = defineStep({
  action: 'shipping.ship',
  effect: 'idempotent',
  params: z.object({ orderId: z.string(), chargeId: z.string() }),
  async run({ params, idempotencyKey, signal }) {
    signal.throwIfAborted();
    const { effect } = await asking(() => provider().keyed(params, { idempotencyKey, signal }));
    return { shipmentId: effect.id };
  },
});

/** Reserve, charge, ship; taken back where the provider refuses to ship. */
export const orderSaga = defineWorkflow({
  name: 'order.saga',
  version: 1,
  input: sagaSchema,
  deadlineMs: 3_600_000,
})
  .step('reserve', reserve, {
    params: ({ input: { orderId, sku, quantity } }) => ({ orderId, sku, quantity }),
    compensate: undoWith(release, ({ input: { orderId, quantity }, result }) => ({
      orderId,
      quantity,
      reservationId: result.effectId,
    })),
  })
  .step('charge', chargeCard, {
    params: ({ input: { orderId, amountCents } }) => ({ orderId, amountCents, card: 'visa' }),
    compensate: undoWith(refundCard, ({ input: { orderId, amountCents }, result }) => ({
      orderId,
      amountCents,
      chargeId: result.chargeId,
    })),
  })
  .step('ship', ship, {
    params: ({ input: { orderId }, results }) => ({ orderId, chargeId: results.charge.chargeId }),
  })
  .build();

/** The actions of a saga's operations, in their logical order, and how each one ends. */
export const LEDGERS = {
  completed: [
    'order.saga completed',
    'inventory.reserve completed',
    'payments.charge completed',
    'shipping.ship completed',
  ],
  compensated: [
    'order.saga completed',
    'inventory.reserve completed',
    'payments.charge completed',
    'shipping.ship failed',
    'payments.refund completed',
    'inventory.release completed',
  ],
} as const;

/** A refused second use of a tracking id tells of the effect that the first use made. */
async function tracked(call: () => Promise<Accepted>): Promise<{ effectId: string }> {
  try {
    return { effectId: (await call()).effect.id };
  } catch (error) {
    if (error instanceof SandboxRefusal && error.effect) return { effectId: error.effect.id };
    return asking(() => Promise.reject(error as Error));
  }
}

async function statusOf(trackingId: string, signal: AbortSignal) {
  const status = await provider().inventoryStatus(trackingId, { signal });
  if (status.state === 'absent') return { state: 'absent' } as const;
  return { state: 'committed', result: { effectId: status.effect.id } } as const;
}
