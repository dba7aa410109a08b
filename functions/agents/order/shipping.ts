import { defineStep } from 'agent-once';
import { z } from 'zod';
import { asking, provider } from './provider.ts';

/**
 * Ships the parcel. The carrier honours no keys and can't be asked, so a crash between the start and
 * the answer leaves the step in doubt: a person looks, and resolves it.
 */
export const shipParcel = defineStep({
  action: 'shipping.ship',
  effect: 'once',
  params: z.object({ orderId: z.string(), address: z.string() }),
  async run({ params, start, signal }) {
    await start();
    signal.throwIfAborted();
    const { effect } = await asking(() => provider().ship(params, { signal }));
    return { shipmentId: effect.id };
  },
});
