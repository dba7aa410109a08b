import { RetryableError } from 'agent-once';
import {
  aDelivery,
  aRuntime,
  aTask,
  registerSteps,
  runTask,
  settableClock,
} from 'agent-once/testing';
import { expect, test } from 'vitest';
import { chargeCard } from './charge-card.ts';

test('a busy provider is asked again when it said it would be free', async () => {
  const answers = [new RetryableError('busy', 'Come back.', { retryAfterMs: 60_000 }), 'charge 1'];
  const step = chargeCard({
    async charge() {
      const answer = answers.shift();
      if (typeof answer === 'string') return answer;
      throw answer ?? new Error('Nothing more was expected.');
    },
  });
  const clock = settableClock();
  const runtime = aRuntime({ clock });
  const delivery = aDelivery(aTask(step, { orderId: 'order-1', amountCents: 4_990 }));
  const deliver = async () => (await runTask(runtime, registerSteps([step]), delivery)).kind;

  expect(await deliver()).toBe('retryable_error');
  expect(await deliver()).toBe('in_flight_here');
  await clock.advance(60_000);
  expect(await deliver()).toBe('completed');
});
