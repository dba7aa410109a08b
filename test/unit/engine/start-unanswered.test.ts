import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { StoreAway } from '../../../functions/src/operation/errors.ts';
import { defineStep } from '../../../functions/src/index.ts';
import {
  aDelivery,
  aRuntime,
  aTask,
  memoryStore,
  registerSteps,
  runTask,
  settableClock,
} from '../../../functions/src/testing/index.ts';
import type { TokenStore } from '../../../functions/src/ports/token-store.ts';

const MAX_ATTEMPTS = 2;

/** Deliveries of one task to a step of which the store answers no `start`, until it does. */
function deliveries({ recorded }: { recorded: boolean }) {
  const clock = settableClock();
  const real = memoryStore(clock);
  let charges = 0;
  let away = true;
  const start: TokenStore['start'] = async (...asked) => {
    if (!away) return real.start(...asked);
    if (recorded) await real.start(...asked);
    throw new StoreAway('No answer.');
  };
  const charge = defineStep({
    action: 'pay.charge',
    effect: 'once',
    maxAttempts: MAX_ATTEMPTS,
    params: z.object({}),
    async run({ start: startEffect }) {
      await startEffect();
      charges += 1;
      return 'paid';
    },
  });
  const steps = registerSteps([charge]);
  const runtime = aRuntime({ clock, store: { ...real, start } });
  const delivery = aDelivery(aTask(charge, {}, { madeAt: clock.now() }));
  return {
    charges: () => charges,
    back: () => void (away = false),
    async deliver() {
      await clock.advance(60_000);
      return runTask(runtime, steps, delivery);
    },
  };
}

describe.each([
  ['was not recorded', { recorded: false }],
  ['was recorded, its answer lost', { recorded: true }],
])('an effect whose start %s', (_, how) => {
  test('is not sent, takes no attempt, and is run once the store answers', async () => {
    const { deliver, back, charges } = deliveries(how);
    for (let delivery = 0; delivery < 3 * MAX_ATTEMPTS; delivery += 1) {
      expect(await deliver()).toMatchObject({
        kind: 'retryable_error',
        error: { code: 'store_away' },
      });
    }
    expect(charges()).toBe(0);
    back();
    expect(await deliver()).toMatchObject({ kind: 'completed', result: 'paid' });
    expect(charges()).toBe(1);
  });
});
