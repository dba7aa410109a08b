import { defineStep } from 'agent-once';
import { z } from 'zod';

export interface CardProvider {
  charge(key: string, amountCents: number): Promise<string>;
}

export const chargeCard = (provider: CardProvider) =>
  defineStep({
    action: 'payments.charge',
    effect: 'idempotent',
    params: z.object({ orderId: z.string(), amountCents: z.int().positive() }),
    run: ({ params, idempotencyKey }) => provider.charge(idempotencyKey, params.amountCents),
  });
