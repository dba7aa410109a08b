import { defineStep } from 'agent-once';
import { z } from 'zod';
import { orderSchema } from './order.ts';
import { asking, provider } from './provider.ts';
import { shipParcel } from './shipping.ts';

/** Charges the card. The payment provider honours idempotency keys, so a second try is safe. */
export const chargeCard = defineStep({
  action: 'payments.charge',
  effect: 'idempotent',
  retention: 'financial',
  params: orderSchema.extend({ reservationId: z.string() }),
  async run({ params: { orderId, amountCents, card }, idempotencyKey, signal }) {
    signal.throwIfAborted();
    const { effect } = await asking(() =>
      provider().charge({ orderId, amountCents, card }, { idempotencyKey, signal }),
    );
    return { chargeId: effect.id };
  },
  next: ({ chargeId }, order) => [shipParcel.task({ ...order, chargeId })],
});
