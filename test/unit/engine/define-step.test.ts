import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineStep } from '../../../functions/src/index.ts';

const USABLE = {
  action: 'payments.charge',
  effect: 'reconcilable',
  params: z.object({}),
  run: () => 'charged',
  reconcile: async () => ({ state: 'unknown' as const }),
} as const;

test.each([
  [{ action: 'Charge' }, 'action must be dotted lower-case words'],
  [{ timeoutMs: 0 }, 'timeoutMs must be a whole number from 1, not 0'],
  [{ leaseMs: 1.5 }, 'leaseMs must be a whole number from 1, not 1.5'],
  [{ maxAttempts: Infinity }, 'maxAttempts must be a whole number from 1, not Infinity'],
  [{ settleMs: -1 }, 'settleMs must be a whole number from 0 to 86400000, not -1'],
  [{ settleMs: 86_400_001 }, 'settleMs must be a whole number from 0 to 86400000'],
])('a step with %j is refused', (changes, words) => {
  expect(() => defineStep({ ...USABLE, ...changes })).toThrow(words);
});

test('a step is refused with every fault at once', () => {
  const define = () => defineStep({ ...USABLE, action: '', leaseMs: 0, settleMs: -1 });
  expect(define).toThrow(/action .*; leaseMs .*; settleMs /);
});

test.each([0, 86_400_000])('a step may settle in %i ms', (settleMs) => {
  expect(defineStep({ ...USABLE, settleMs }).settleMs).toBe(settleMs);
});
