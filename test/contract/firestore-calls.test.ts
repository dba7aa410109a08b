import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { z } from 'zod';
import { firestoreStore } from '../../functions/src/adapters/firestore/store.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import { registerSteps } from '../../functions/src/engine/register-steps.ts';
import { runTask } from '../../functions/src/engine/run-task.ts';
import { defineStep } from '../../functions/src/engine/step.ts';
import type { AnyStep } from '../../functions/src/engine/step.ts';
import { makeTask } from '../../functions/src/engine/tasks.ts';
import type { TokenStore } from '../../functions/src/ports/token-store.ts';
import { countedFirestore } from '../support/counted-firestore.ts';
import type { CountedFirestore } from '../support/counted-firestore.ts';
import { deliver, engineRuntime } from '../support/engine-runtime.ts';
import type { TestRuntime } from '../support/engine-runtime.ts';

const EFFECTS = ['pure', 'idempotent', 'reconcilable', 'once'] as const;
type Effect = (typeof EFFECTS)[number];

const TERMS: Readonly<Record<Effect, object>> = {
  pure: { effect: 'pure' },
  idempotent: { effect: 'idempotent' },
  reconcilable: { effect: 'reconcilable', reconcile: async () => ({ state: 'unknown' }) },
  once: { effect: 'once' },
};

const ship = defineStep({
  action: 'test.ship',
  effect: 'pure',
  params: z.object({}),
  run: () => 'shipped',
});

/** A step that says `start` where its effect needs that, and leads to a second one if asked. */
function charging(effect: Effect, leadsOn: boolean, run = () => 'charged'): AnyStep {
  return defineStep({
    ...(TERMS[effect] as { effect: 'pure' }),
    action: 'test.charge',
    params: z.object({}),
    async run({ start }) {
      if (effect === 'reconcilable' || effect === 'once') await start();
      return run();
    },
    next: () => (leadsOn ? [ship.task({})] : []),
  });
}

let counted: CountedFirestore;
let store: TokenStore;

beforeEach(async () => {
  counted = countedFirestore(inject('firestoreHost'));
  store = firestoreStore(counted.connection, systemClock);
  await counted.connection.firestore.doc('warm/up').get();
  counted.take();
});

afterEach(() => store.close());

/** Delivers the task of order 17 to an instance; answers the outcome and the calls that it took. */
async function delivering(
  instance: TestRuntime,
  step: AnyStep,
  how: { messageId?: string; redelivery?: boolean } = {},
) {
  const delivery = deliver(step.task({}), Date.now(), how);
  const { kind } = await runTask(instance, registerSteps([step, ship]), delivery);
  return { kind, calls: counted.take() };
}

describe('calls of Firestore', () => {
  test('are counted as they are sent', async () => {
    const { firestore } = counted.connection;
    await firestore.doc('a/1').create({});
    await firestore
      .doc('a/1')
      .create({})
      .catch(() => {});
    await firestore.getAll(firestore.doc('a/1'), firestore.doc('a/2'));
    await firestore.collection('a').get();
    expect(counted.take()).toEqual({ Commit: 2, BatchGetDocuments: 1, RunQuery: 1 });
    expect(counted.take()).toEqual({});
  });

  test.each(EFFECTS)('a first run of a %s effect costs its writes and no read', async (effect) => {
    const commits = effect === 'reconcilable' || effect === 'once' ? 3 : 2;
    const ran = await delivering(engineRuntime(store), charging(effect, false));
    expect(ran).toEqual({ kind: 'completed', calls: { Commit: commits } });
  });

  test.each(EFFECTS)('follow-ups of a %s effect cost one write more, the mark', async (effect) => {
    const commits = effect === 'reconcilable' || effect === 'once' ? 4 : 3;
    const instance = engineRuntime(store);
    const ran = await delivering(instance, charging(effect, true));
    expect(ran).toEqual({ kind: 'completed', calls: { Commit: commits } });
    expect(instance.published.map(({ action }) => action)).toEqual(['test.ship']);
  });

  test.each([false, true])(
    'a duplicate costs nothing where the instance has seen it settled, with follow-ups: %s',
    async (leadsOn) => {
      const step = charging('idempotent', leadsOn);
      const instance = engineRuntime(store);
      await delivering(instance, step);
      const again = await delivering(instance, step, { messageId: '2' });
      expect(again).toEqual({ kind: 'replayed', calls: {} });
    },
  );

  test.each(EFFECTS)('a redelivery of a %s effect elsewhere costs one read', async (effect) => {
    const step = charging(effect, true);
    await delivering(engineRuntime(store), step);
    const elsewhere = engineRuntime(store);
    const again = await delivering(elsewhere, step, { redelivery: true });
    expect(again).toEqual({ kind: 'replayed', calls: { BatchGetDocuments: 1 } });
    const third = await delivering(elsewhere, step);
    expect(third).toEqual({ kind: 'replayed', calls: {} });
  });

  test('a duplicate of what this very instance runs now costs one read', async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const instance = engineRuntime(store);
    const { promise: running, resolve: runs } = Promise.withResolvers<void>();
    const step = defineStep({
      action: 'test.charge',
      effect: 'idempotent',
      params: z.object({}),
      run() {
        runs();
        return promise;
      },
    });
    const first = delivering(instance, step);
    await running;
    expect(counted.take()).toEqual({ Commit: 1 });
    const again = await delivering(instance, step, { messageId: '2' });
    expect(again).toEqual({ kind: 'in_flight_elsewhere', calls: { BatchGetDocuments: 1 } });
    resolve('charged');
    expect(await first).toEqual({ kind: 'completed', calls: { Commit: 1 } });
  });

  test.each(EFFECTS)(
    'a duplicate of a %s effect that nothing foretells costs a refused create and one read',
    async (effect) => {
      const step = charging(effect, true);
      await delivering(engineRuntime(store), step);
      const again = await delivering(engineRuntime(store), step, { messageId: '2' });
      expect(again).toEqual({ kind: 'replayed', calls: { Commit: 1, BatchGetDocuments: 1 } });
    },
  );

  test('a failure for good costs the claim and the record of it', async () => {
    const step = charging('idempotent', true, () => {
      throw new RangeError('no cover');
    });
    const last = { ...step, maxAttempts: 1, effect: 'pure' } as AnyStep;
    const ran = await delivering(engineRuntime(store), last);
    expect(ran).toEqual({ kind: 'terminal_error', calls: { Commit: 2 } });
  });

  test('a claim by window costs two reads more than a claim by key', async () => {
    const step = charging('idempotent', false);
    const { namespace, messageId } = deliver(step.task({}), Date.now());
    const task = makeTask(step.task({}), { namespace, agent: 'shop' }, Date.now());
    const steps = registerSteps([step, ship]);
    const delivery = { task, namespace, messageId, redelivery: false };
    const { kind } = await runTask(engineRuntime(store), steps, delivery);
    expect(kind).toBe('completed');
    expect(counted.take()).toEqual({ BatchGetDocuments: 2, Commit: 2 });
  });
});
