import { defineWorkflow, undoWith } from 'agent-once';
import { releaseStock, reserveStock } from './inventory.ts';
import { orderSchema } from './order.ts';
import { chargeCard, refundCard } from './payments.ts';
import { shipParcel } from './shipping.ts';

const HOUR_MS = 3_600_000;

/**
 * An order over three agents: stock is reserved, the card charged, the parcel shipped. Where shipping
 * fails for good, the charge is paid back and the stock released.
 */
export const fulfilOrder = defineWorkflow({
  name: 'order.fulfil',
  version: 1,
  input: orderSchema,
  deadlineMs: 24 * HOUR_MS,
})
  .step('reserve', reserveStock, {
    params: ({ input: { orderId, sku, quantity } }) => ({ orderId, sku, quantity }),
    compensate: undoWith(releaseStock, ({ input: { orderId, quantity }, result }) => ({
      orderId,
      quantity,
      reservationId: result.reservationId,
    })),
  })
  .step('charge', chargeCard, {
    params: ({ input: { orderId, amountCents, card } }) => ({ orderId, amountCents, card }),
    compensate: undoWith(refundCard, ({ input: { orderId, amountCents }, result }) => ({
      orderId,
      amountCents,
      chargeId: result.chargeId,
    })),
  })
  .step('ship', shipParcel, {
    params: ({ input: { orderId, address } }) => ({ orderId, address }),
  })
  .build();
