import { crashEverywhere } from 'agent-once/testing';
import { expect, test } from 'vitest';
import { chargeCard } from './charge-card.ts';

test('a card is charged once, wherever the process dies', async () => {
  const charges = new Map<string, number>(); // a provider that honours keys
  const charge = async (key: string, cents: number) => `charge ${charges.set(key, cents).size}`;
  const report = await crashEverywhere(chargeCard({ charge }), {
    params: { orderId: 'order-1', amountCents: 4_990 },
    effects: () => charges.size,
  });
  expect(report).toMatchObject({ duplicateEffects: 0, lostEffects: 0 });
});
