import { defineStep } from 'agent-once';
import { z } from 'zod';
import { asking, provider } from './provider.ts';

const amountCents = z.int().min(1).max(100_000_000);

/** Charges the card. The payment provider honours idempotency keys, so a second try is safe. */
export const chargeCard = defineStep({
  action: 'payments.charge',
  effect: 'idempotent',
  retention: 'financial',
  params: z.object({ orderId: z.string(), amountCents, card: z.string() }),
  async run({ params, idempotencyKey, signal }) {
    signal.throwIfAborted();
    const { effect } = await asking(() => provider().charge(params, { idempotencyKey, signal }));
    return { chargeId: effect.id };
  },
});

/** Pays a charge back, under a key of its own. */
export const refundCard = defineStep({
  action: 'payments.refund',
  effect: 'idempotent',
  retention: 'financial',
  params: z.object({ orderId: z.string(), amountCents, chargeId: z.string() }),
  async run({ params, idempotencyKey, signal }) {
    signal.throwIfAborted();
    const { effect } = await asking(() => provider().refund(params, { idempotencyKey, signal }));
    return { refundId: effect.id };
  },
});
