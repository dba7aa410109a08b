import { defineStep } from 'agent-once';
import { z } from 'zod';
import { provider, tracked } from './provider.ts';

/**
 * Reserves stock. The warehouse knows reservations by tracking id and refuses a second use of one, so
 * after a crash it can be asked, and its "absent" can be relied on.
 */
export const reserveStock = defineStep({
  action: 'inventory.reserve',
  effect: 'reconcilable',
  params: z.object({ orderId: z.string(), sku: z.string(), quantity: z.int().min(1) }),
  async run({ params, start, signal }) {
    const trackingId = await start();
    signal.throwIfAborted();
    const effect = await tracked(() => provider().reserve(params, { trackingId, signal }));
    return { reservationId: effect.id };
  },
  async reconcile({ trackingId, signal }) {
    const status = await provider().inventoryStatus(trackingId, { signal });
    if (status.state === 'absent') return status;
    return { state: 'committed', result: { reservationId: status.effect.id } };
  },
});

/** Takes a reservation back, known by a tracking id of its own. */
export const releaseStock = defineStep({
  action: 'inventory.release',
  effect: 'reconcilable',
  params: z.object({ orderId: z.string(), reservationId: z.string(), quantity: z.int().min(1) }),
  async run({ params, start, signal }) {
    const trackingId = await start();
    signal.throwIfAborted();
    const effect = await tracked(() => provider().release(params, { trackingId, signal }));
    return { releaseId: effect.id };
  },
  async reconcile({ trackingId, signal }) {
    const status = await provider().inventoryStatus(trackingId, { signal });
    if (status.state === 'absent') return status;
    return { state: 'committed', result: { releaseId: status.effect.id } };
  },
});
