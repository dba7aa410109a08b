import { expect, test } from 'vitest';
import { z } from 'zod';
import { sweepAll } from '../../../functions/src/engine/sweep-all.ts';
import { defineStep, registerSteps } from '../../../functions/src/index.ts';
import type { TaskMessage } from '../../../functions/src/index.ts';
import { once } from '../../../functions/src/once.ts';
import {
  aDelivery,
  aRuntime,
  aTask,
  memoryStore,
  runTask,
  settableClock,
} from '../../../functions/src/testing/index.ts';
import { parseNamespace } from '../../../functions/src/token/token.ts';

const ship = defineStep({
  action: 'ship.it',
  effect: 'pure',
  params: z.object({}),
  run: () => 'shipped',
});

const charge = defineStep({
  action: 'pay.charge',
  effect: 'pure',
  params: z.object({ n: z.number() }),
  run: () => 'paid',
  next: () => [ship.task({})],
});

const steps = registerSteps([ship, charge]);
const QUIET = { decision() {}, event() {} };

function namespaceOf(text: string) {
  const namespace = parseNamespace(text);
  if (!namespace) throw new Error(`"${text}" is no namespace any more.`);
  return namespace;
}

/** A store in which a step's result stands, its follow-ups unpublished: its process ended in between. */
async function unsent() {
  const clock = settableClock();
  const store = memoryStore(clock);
  const publisher = {
    publish: () => Promise.reject(new Error('ended before it published')),
    deadLetter: async () => {},
  };
  const task = aTask(charge, { n: 1 }, { madeAt: clock.now() });
  await runTask(aRuntime({ clock, store, publisher }), steps, aDelivery(task));
  return { clock, store, task };
}

test('a call under the same token is answered, and leaves follow-ups to those who can publish them', async () => {
  const { clock, store, task } = await unsent();
  const call = { namespace: 'test', action: 'pay.charge', params: { n: 1 }, key: 'test' } as const;
  const answer = await once(store, { ...call, effect: 'pure' }, () => 'paid', { telemetry: QUIET });
  expect(answer).toEqual({ result: 'paid', replayed: true });

  const published: string[] = [];
  const publisher = {
    publish: async (tasks: readonly TaskMessage[]) =>
      void published.push(...tasks.map(({ action }) => action)),
    deadLetter: async () => {},
  };
  const later = aRuntime({ clock, store, publisher });
  await runTask(later, steps, aDelivery(task, { redelivery: true }));
  expect(published).toEqual(['ship.it']);
});

test('a sweep leaves the records of other namespaces to their own', async () => {
  const { clock, store } = await unsent();
  await clock.advance(5_000);
  const other = aRuntime({ clock, store });
  expect(await sweepAll(other, steps, namespaceOf('other'))).toMatchObject({ published: 0 });
  expect(await sweepAll(other, steps, namespaceOf('test'))).toMatchObject({ published: 1 });
});

test('what can never be re-driven is tried ever more rarely, and keeps nothing else from its turn', async () => {
  const clock = settableClock();
  const store = memoryStore(clock);
  const hopeless = defineStep({
    action: 'pay.hopeless',
    effect: 'pure',
    params: z.object({ n: z.number() }),
    run: () => 'paid',
    next: () => {
      throw new Error('a bug');
    },
  });
  const withBug = registerSteps([hopeless, charge, ship]);
  const runtime = aRuntime({ clock, store, random: () => 0.5 });
  const count = 450;
  for (let n = 0; n < count; n += 1) {
    const task = aTask(hopeless, { n }, { key: `order-${n}`, madeAt: clock.now() });
    await runTask(runtime, withBug, aDelivery(task));
  }
  await clock.advance(60_000);
  const test = namespaceOf('test');
  expect(await sweepAll(runtime, withBug, test)).toMatchObject({ redriven: count });
  await clock.advance(3_600_000);
  expect(await sweepAll(runtime, withBug, test)).toMatchObject({ redriven: 0 });
});

test('params that make a schema throw are dead-lettered with what it threw', async () => {
  const fragile = defineStep({
    action: 'pay.fragile',
    effect: 'pure',
    params: z.object({ n: z.number() }).refine(() => {
      throw new TypeError('a bug');
    }),
    run: () => 'paid',
  });
  const outcome = await runTask(
    aRuntime(),
    registerSteps([fragile]),
    aDelivery(aTask(fragile, { n: 1 })),
  );
  expect(outcome).toMatchObject({
    kind: 'invalid',
    faults: ['params: the schema of pay.fragile threw: TypeError: a bug'],
  });
});

test('a branch that a step left running is told that its claim is gone', async () => {
  let left: AbortSignal | undefined;
  const careless = defineStep({
    action: 'pay.careless',
    effect: 'pure',
    params: z.object({}),
    run({ signal }) {
      left = signal;
      return 'paid';
    },
  });
  await runTask(aRuntime(), registerSteps([careless]), aDelivery(aTask(careless, {})));
  expect(() => left?.throwIfAborted()).toThrow('The run has ended');
});
