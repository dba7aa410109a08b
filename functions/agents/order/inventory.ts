import { defineStep } from 'agent-once';
import { orderSchema } from './order.ts';
import { chargeCard } from './payments.ts';
import { asking, provider } from './provider.ts';

/**
 * Reserves stock. The warehouse knows reservations by tracking id and refuses a second use of one, so
 * after a crash it can be asked, and its "absent" can be relied on.
 */
export const reserveStock = defineStep({
  action: 'inventory.reserve',
  effect: 'reconcilable',
  params: orderSchema,
  async run({ params: { orderId, sku, quantity }, start, signal }) {
    const trackingId = await start();
    signal.throwIfAborted();
    const { effect } = await asking(() =>
      provider().reserve({ orderId, sku, quantity }, { trackingId, signal }),
    );
    return { reservationId: effect.id };
  },
  async reconcile({ trackingId, signal }) {
    const status = await provider().inventoryStatus(trackingId, { signal });
    if (status.state === 'absent') return status;
    return { state: 'committed', result: { reservationId: status.effect.id } };
  },
  next: ({ reservationId }, order) => [chargeCard.task({ ...order, reservationId })],
});
