import { describe, expect, test } from 'vitest';
import {
  INLINE_LIMIT_BYTES,
  packValue,
  unpackValue,
} from '../../../functions/src/engine/payload.ts';
import { registerSteps } from '../../../functions/src/engine/register-steps.ts';
import { defineStep } from '../../../functions/src/engine/step.ts';
import { runTask } from '../../../functions/src/engine/run-task.ts';
import type { CompletedRecord } from '../../../functions/src/operation/record.ts';
import type { Token } from '../../../functions/src/token/token.ts';
import { z } from 'zod';
import { deliver, engineRuntime, memoryBlobs } from '../../support/engine-runtime.ts';
import { benchFor } from './fixture.ts';
import type { Backend } from './fixture.ts';

/** Results that JSON alone would lose or change. */
const LOSSY: readonly (readonly [string, unknown])[] = [
  ['a Date', new Date(1_769_817_600_123)],
  ['a bigint', 12_345_678_901_234_567_890n],
  ['bytes', new Uint8Array([0, 255, 128, 10])],
  [
    'a Map',
    new Map<unknown, unknown>([
      [1, 'one'],
      ['two', new Date(0)],
    ]),
  ],
  ['a Set', new Set(['a', 2n])],
  ['undefined', undefined],
  ['null', null],
  ['undefined in an array', [1, undefined, null]],
  ['an object that looks like a tag', { $date: 'not one' }],
  ['all of them, nested', { paid: [{ at: new Date(1), sum: 5n }, new Map([['b', new Set([1])]])] }],
];

/** What a step's result is, read back by whoever asks next. */
export function payloadContract(backend: Backend): void {
  const bench = benchFor(backend);

  async function completed(token: Token): Promise<CompletedRecord> {
    const found = await bench().store.get(bench().request().facts.namespace, token);
    if (found?.record.status !== 'completed') throw new Error('Nothing is completed there.');
    return found.record;
  }

  describe('a result', () => {
    test.each(LOSSY)('that is %s comes back as it was', async (_, result) => {
      const { store, request, win } = bench();
      const { blobs } = memoryBlobs();
      const claim = await win(request());
      await store.complete(claim, { result: await packValue(result, blobs, claim) });
      const stored = (await completed(claim.token)).result;
      expect(await unpackValue(stored, blobs)).toStrictEqual(result);
    });

    test('just within the inline limit stays in the record, beside as much of follow-ups', async () => {
      const { store, request, win } = bench();
      const { blobs, names } = memoryBlobs();
      const largest = 'x'.repeat(INLINE_LIMIT_BYTES - 2);
      const asked = request();
      const packed = await packValue(largest, blobs, asked.facts);
      const claim = await win({ ...asked, task: packed });
      await store.complete(claim, { result: packed, outbox: packed });
      const { result } = await completed(claim.token);
      expect(result).toEqual({ kind: 'inline', text: `"${largest}"` });
      expect(names()).toEqual([]);
    });

    test('over the limit leaves a pointer in the record, and comes back whole', async () => {
      const { store, request, win } = bench();
      const { blobs, names } = memoryBlobs();
      const large = 'x'.repeat(INLINE_LIMIT_BYTES - 1);
      const claim = await win(request());
      await store.complete(claim, { result: await packValue(large, blobs, claim) });
      const { result } = await completed(claim.token);
      expect(result).toEqual({ kind: 'blob', name: names()[0], bytes: INLINE_LIMIT_BYTES + 1 });
      expect(await unpackValue(result, blobs)).toBe(large);
    });

    test.each([
      ['a function', () => 1],
      ['an instance of a class', new URL('https://example.com')],
      ['not a number', Number.NaN],
      ['a circle', circle()],
    ])('that is %s is recorded as done without it, and never run again', async (_, result) => {
      let runs = 0;
      const step = defineStep({
        action: 'test.odd',
        effect: 'idempotent',
        params: z.object({}),
        run: () => {
          runs += 1;
          return result;
        },
      });
      const delivery = deliver(step.task({}), bench().store.now());
      const steps = registerSteps([step]);
      const first = await runTask(engineRuntime(bench().store), steps, delivery);
      const second = await runTask(engineRuntime(bench().store), steps, delivery);
      expect([first.kind, second.kind, runs]).toEqual(['completed', 'replayed', 1]);
      const stored = (await completed(delivery.task.token)).result;
      expect(stored).toMatchObject({ kind: 'unserialisable' });
      await expect(unpackValue(stored, memoryBlobs().blobs)).rejects.toThrow('no canonical form');
    });
  });
}

function circle(): object {
  const ring: { self?: object } = {};
  ring.self = ring;
  return ring;
}
