import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineStep, NotDone } from '../../../functions/src/index.ts';
import {
  aDelivery,
  aRuntime,
  aTask,
  crashEverywhere,
  memoryPublisher,
} from '../../../functions/src/testing/index.ts';
import { registerSteps, runTask, settableClock } from '../../../functions/src/testing/index.ts';

const params = z.object({ orderId: z.string() });
const ORDER = { orderId: 'order-1' };

/** Providers that count what they did: one honours keys, one refuses a second use, one does as it is told. */
function providers() {
  const charged = new Set<string>();
  const reserved = new Set<string>();
  let shipped = 0;
  return {
    charge: (key: string) => void charged.add(key),
    reserve(trackingId: string) {
      if (reserved.has(trackingId)) throw new NotDone('used', 'Used already.', { final: true });
      reserved.add(trackingId);
    },
    knows: (trackingId: string) => reserved.has(trackingId),
    ship: () => void (shipped += 1),
    count: () => charged.size + reserved.size + shipped,
  };
}

describe('crashEverywhere', () => {
  test('finds nothing wrong with an idempotent step whose provider honours its key', async () => {
    const provider = providers();
    const step = defineStep({
      action: 'payments.charge',
      effect: 'idempotent',
      params,
      run: ({ idempotencyKey }) => provider.charge(idempotencyKey),
    });
    const report = await crashEverywhere(step, { params: ORDER, effects: provider.count });
    expect(report).toMatchObject({ effectsOfOne: 1, duplicateEffects: 0, lostEffects: 0 });
    expect(report.points).toContain('after claim');
    expect(report.points).toContain('before complete');
    expect(report.runs.every(({ outcome }) => outcome === 'completed')).toBe(true);
  });

  test('counts the second effect of a step that is not as idempotent as it says', async () => {
    const provider = providers();
    const step = defineStep({
      action: 'shipping.ship',
      effect: 'idempotent',
      params,
      run: () => provider.ship(),
    });
    const report = await crashEverywhere(step, { params: ORDER, effects: provider.count });
    expect(report.duplicateEffects).toBeGreaterThan(0);
    expect(report.runs.find(({ point }) => point === 'at the end of the step')?.effects).toBe(2);
  });

  test('a once step is never run twice: crashes after its start end in doubt', async () => {
    const provider = providers();
    const step = defineStep({
      action: 'shipping.ship',
      effect: 'once',
      params,
      async run({ start, signal }) {
        await start();
        signal.throwIfAborted();
        provider.ship();
      },
    });
    const report = await crashEverywhere(step, { params: ORDER, effects: provider.count });
    expect(report.duplicateEffects).toBe(0);
    const outcomeAt = new Map(report.runs.map(({ point, outcome }) => [point, outcome]));
    expect(outcomeAt.get('after claim')).toBe('completed');
    expect(outcomeAt.get('after start')).toBe('in_doubt');
    expect(outcomeAt.get('before complete')).toBe('in_doubt');
    expect(outcomeAt.get('after complete')).toBe('completed');
  });

  test('a reconcilable step asks its provider, and its effect is never lost', async () => {
    const provider = providers();
    const step = defineStep({
      action: 'inventory.reserve',
      effect: 'reconcilable',
      params,
      async run({ start, signal }) {
        const trackingId = await start();
        signal.throwIfAborted();
        provider.reserve(trackingId);
      },
      reconcile: ({ trackingId }) =>
        Promise.resolve(
          provider.knows(trackingId)
            ? { state: 'committed' as const, result: undefined }
            : { state: 'absent' as const },
        ),
    });
    const report = await crashEverywhere(step, { params: ORDER, effects: provider.count });
    expect(report).toMatchObject({ duplicateEffects: 0, lostEffects: 0 });
    expect(report.runs.every(({ outcome }) => outcome === 'completed')).toBe(true);
  });

  test('misses the effect of a step that takes a second attempt for a done one', async () => {
    const provider = providers();
    const step = defineStep({
      action: 'payments.charge',
      effect: 'idempotent',
      params,
      run({ attempt, idempotencyKey }) {
        if (attempt === 1) provider.charge(idempotencyKey);
      },
    });
    const report = await crashEverywhere(step, { params: ORDER, effects: provider.count });
    const without = report.runs.filter(({ effects }) => effects === 0).map(({ point }) => point);
    expect(without).toEqual(['after claim', 'at the beginning of the step']);
    expect(report.lostEffects).toBe(2);
  });

  test.each([
    { sends: 'without a look at its signal', looks: false, effects: 2 },
    { sends: 'after a look at its signal', looks: true, effects: 1 },
  ])('a process that stood still and sends $sends has $effects', async ({ looks, effects }) => {
    const provider = providers();
    const step = defineStep({
      action: 'shipping.ship',
      effect: 'idempotent',
      params,
      run({ signal }) {
        if (looks) signal.throwIfAborted();
        provider.ship();
      },
    });
    const report = await crashEverywhere(step, { params: ORDER, effects: provider.count });
    expect(report.runs.find(({ point }) => point === 'frozen in the step')?.effects).toBe(effects);
  });

  test('gives each run params of its own where they are a function of the run', async () => {
    const shipped: string[] = [];
    const step = defineStep({
      action: 'shipping.ship',
      effect: 'pure',
      params,
      run: ({ params: { orderId } }) => void shipped.push(orderId),
    });
    const { points } = await crashEverywhere(step, {
      params: (run) => ({ orderId: `order-${run}` }),
      effects: () => new Set(shipped).size,
    });
    expect(new Set(shipped).size).toBe(points.length + 1);
  });

  test('crashes around the publishing of what follows, too', async () => {
    const provider = providers();
    const tell = defineStep({ action: 'mail.tell', effect: 'pure', params, run: () => {} });
    const step = defineStep({
      action: 'payments.charge',
      effect: 'idempotent',
      params,
      run: ({ idempotencyKey }) => provider.charge(idempotencyKey),
      next: (_result, order) => [tell.task(order)],
    });
    const options = { params: ORDER, effects: provider.count, following: [tell] };
    const report = await crashEverywhere(step, options);
    expect(report).toMatchObject({ duplicateEffects: 0, lostEffects: 0 });
    expect(report.points).toEqual(expect.arrayContaining(['before publish', 'after mark sent']));
  });

  test('says why a step can’t be looked at', async () => {
    const step = defineStep({
      action: 'test.broken',
      effect: 'pure',
      params,
      run() {
        throw new NotDone('broken', 'It never works.', { final: true });
      },
    });
    await expect(crashEverywhere(step, { params: ORDER, effects: () => 0 })).rejects.toThrow(
      'test.broken does not complete without a crash: terminal_error (broken: It never works.)',
    );
  });
});

test('a step’s retry is tested without waiting, by a clock that is set', async () => {
  let provider: 'down' | 'up' = 'down';
  const step = defineStep({
    action: 'test.flaky',
    effect: 'pure',
    params,
    run() {
      if (provider === 'down') throw new NotDone('down', 'Down.', { retryAfterMs: 60_000 });
      return 'done';
    },
  });
  const clock = settableClock();
  const publisher = memoryPublisher();
  const runtime = aRuntime({ clock, publisher });
  const steps = registerSteps([step]);
  const delivery = aDelivery(aTask(step, ORDER));
  expect((await runTask(runtime, steps, delivery)).kind).toBe('retryable_error');
  provider = 'up';
  expect((await runTask(runtime, steps, delivery)).kind).toBe('in_flight_here');
  await clock.advance(60_000);
  expect(await runTask(runtime, steps, delivery)).toMatchObject({
    kind: 'completed',
    result: 'done',
  });
});
