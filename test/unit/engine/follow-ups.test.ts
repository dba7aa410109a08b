import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { AnyStep } from '../../../functions/src/engine/step.ts';
import { sweepAll } from '../../../functions/src/engine/sweep-all.ts';
import { warmCache } from '../../../functions/src/engine/warm-cache.ts';
import {
  defineStep,
  defineWorkflow,
  makeTask,
  registerSteps,
} from '../../../functions/src/index.ts';
import type { FollowUp, Namespace, Steps, TaskMessage } from '../../../functions/src/index.ts';
import { LeaseLost, StoreAway } from '../../../functions/src/operation/errors.ts';
import type { TokenStore } from '../../../functions/src/ports/token-store.ts';
import {
  aDelivery,
  aRuntime,
  aTask,
  memoryPublisher,
  memoryStore,
  runTask,
  settableClock,
} from '../../../functions/src/testing/index.ts';

const NAMESPACE = 'test' as Namespace;
const DUE_MS = 5_000;

const ship = defineStep({ action: 'trip.ship', effect: 'pure', params: z.object({}), run() {} });
const pay = defineStep({
  action: 'trip.pay',
  effect: 'idempotent',
  retention: 'financial',
  params: z.object({ amountCents: z.number(), orderId: z.string() }),
  run: () => 'paid',
});

/** A step that answers what it is to be followed by, as a model might. */
function turning(followUps: readonly FollowUp[], also: readonly AnyStep[] = []) {
  let runs = 0;
  const turn = defineStep({
    action: 'trip.turn',
    effect: 'pure',
    params: z.object({}),
    run: () => (runs += 1),
    next: () => followUps,
  });
  return { turn, steps: registerSteps([turn, ship, pay, ...also]), runs: () => runs };
}

type Verb = 'publish' | 'record' | 'markSent';

/** One deployment in memory, whose queue and store can be made to fail for a number of calls. */
function scene() {
  const left: Record<Verb, number> = { publish: 0, record: 0, markSent: 0 };
  const clock = settableClock();
  const queue = memoryPublisher();
  const whole = memoryStore(clock);
  const log: { severity: string; message: string; fields: Record<string, unknown> }[] = [];
  const refuse = (verb: Verb): void => {
    if (left[verb] === 0) return;
    left[verb] -= 1;
    throw new StoreAway(`${verb} failed.`);
  };
  const store: TokenStore = {
    ...whole,
    async record(request) {
      refuse('record');
      return whole.record(request);
    },
    async markSent(...mark) {
      refuse('markSent');
      return whole.markSent(...mark);
    },
  };
  const publisher = {
    ...queue,
    async publish(tasks: readonly TaskMessage[]) {
      refuse('publish');
      return queue.publish(tasks);
    },
  };
  const telemetry = {
    decision() {},
    event(severity: string, message: string, fields: Record<string, unknown> = {}) {
      log.push({ severity, message, fields });
    },
  };
  const runtime = aRuntime({ clock, store, publisher, telemetry });
  return {
    store,
    fail(verb: Verb, times: number): void {
      left[verb] = times;
    },
    errors: () => log.filter(({ severity }) => severity === 'ERROR'),
    published: () => queue.published.map(({ action }) => action),
    tasks: queue.published,
    /** As an instance of its own would. */
    run: (steps: Steps, task: TaskMessage) =>
      runTask({ ...runtime, cache: warmCache(clock) }, steps, aDelivery(task)),
    async sweep(steps: Steps) {
      await clock.advance(DUE_MS);
      return sweepAll(runtime, steps, NAMESPACE);
    },
    async ledger(task: TaskMessage) {
      const { operations } = await whole.ledger(NAMESPACE, task.root, { limit: 200 });
      return operations.map(({ record }) => record);
    },
  };
}

const MISFIT = { action: 'trip.pay', params: { amountCents: '129.00' } };

describe('what a step says is to follow', () => {
  test('is recorded as operations of one ledger, each under a token that is made again the same', async () => {
    const { turn, steps } = turning([ship.task({}), ship.task({})]);
    const at = scene();
    at.fail('markSent', 1);
    const task = aTask(turn, {});
    await at.run(steps, task);
    await at.run(steps, task);
    const tokens = at.tasks.map(({ token }) => token);
    expect(tokens).toHaveLength(4);
    expect(new Set(tokens).size).toBe(2);
    for (const each of at.tasks) await at.run(steps, each);
    expect((await at.ledger(task)).map(({ action, status }) => `${action} ${status}`)).toEqual([
      'trip.turn completed',
      'trip.ship completed',
      'trip.ship completed',
    ]);
  });

  test('is refused for good where its step takes no such params, and each fault is on record', async () => {
    const { turn, steps } = turning([MISFIT, ship.task({})]);
    const at = scene();
    const task = aTask(turn, {});
    expect(await at.run(steps, task)).toMatchObject({ kind: 'completed', result: 1 });

    expect(at.published()).toEqual(['trip.ship']);
    const [own, refused] = await at.ledger(task);
    expect(own).toMatchObject({ action: 'trip.turn', status: 'completed', sent: true });
    expect(refused).toMatchObject({
      action: 'trip.pay',
      path: 'trip.turn/trip.pay',
      status: 'failed',
      attempt: 0,
      effect: 'idempotent',
      retention: { name: 'financial' },
      error: { code: 'follow_up_refused', retryable: false },
    });
    const { message } = (refused as { error: { message: string } }).error;
    expect(message).toMatch(/trip\.turn.*params\.amountCents: .*params\.orderId: /s);
    expect(at.errors()).toMatchObject([
      { fields: { action: 'trip.pay', error: { code: 'follow_up_refused', message } } },
    ]);
  });

  test('keeps its own token, whichever of its equals are refused', async () => {
    const fitting = pay.task({ amountCents: 12_900, orderId: 'o' });
    const { turn, steps } = turning([MISFIT, fitting, MISFIT]);
    const at = scene();
    const task = aTask(turn, {});
    await at.run(steps, task);
    expect(at.tasks.map(({ path }) => path)).toEqual(['trip.turn/trip.pay~1']);
    for (const each of at.tasks) await at.run(steps, each);
    const ended = (await at.ledger(task)).map(({ path, status }) => `${path} ${status}`);
    expect(ended.toSorted()).toEqual([
      'trip.turn completed',
      'trip.turn/trip.pay failed',
      'trip.turn/trip.pay~1 completed',
      'trip.turn/trip.pay~2 failed',
    ]);
  });

  test('is refused for good where it can not be written down', async () => {
    const anything = defineStep({
      action: 'trip.any',
      effect: 'pure',
      params: z.any(),
      run() {},
    });
    const { turn, steps } = turning(
      [
        { action: 'trip.any', params: { n: Number.NaN } },
        { action: 'trip.pay', params: { amountCents: Number.NaN, orderId: 'o' } },
        ship.task({}),
      ],
      [anything],
    );
    const at = scene();
    const task = aTask(turn, {});
    expect(await at.run(steps, task)).toMatchObject({ kind: 'completed' });
    expect(at.published()).toEqual(['trip.ship']);
    expect(
      (await at.ledger(task))
        .filter(({ status }) => status === 'failed')
        .map((each) => each.action),
    ).toEqual(expect.arrayContaining(['trip.any', 'trip.pay']));
  });

  test('is published up to a hundred at once', async () => {
    const { turn, steps } = turning(Array.from({ length: 100 }, () => ship.task({})));
    const at = scene();
    const task = aTask(turn, {});
    expect(await at.run(steps, task)).toMatchObject({ kind: 'completed' });
    expect(at.published()).toHaveLength(100);
    expect(await at.ledger(task)).toHaveLength(1);
  });

  test('is refused as a whole where it is more than a hundred, under the token of the first', async () => {
    const { turn, steps } = turning(Array.from({ length: 101 }, () => ship.task({})));
    const at = scene();
    const task = aTask(turn, {});
    expect(await at.run(steps, task)).toMatchObject({ kind: 'completed' });
    expect(at.published()).toEqual([]);
    const [own, refused, ...rest] = await at.ledger(task);
    expect(own).toMatchObject({ status: 'completed', sent: true });
    expect(refused).toMatchObject({
      path: 'trip.turn/trip.ship',
      status: 'failed',
      error: { code: 'follow_up_refused', message: expect.stringMatching(/101.*100/) },
    });
    expect(rest).toEqual([]);
    expect(at.errors()).toHaveLength(1);
  });

  test('waits for the deploy that brings its step', async () => {
    const { turn, steps } = turning([ship.task({}), MISFIT]);
    const at = scene();
    const task = aTask(turn, {});
    const without = registerSteps([turn, pay]);
    for (let delivery = 0; delivery < 2; delivery += 1) {
      const outcome = await at.run(without, task);
      expect(outcome).toMatchObject({
        kind: 'retryable_error',
        error: { message: expect.stringContaining('trip.ship') },
      });
    }
    expect(at.published()).toEqual([]);
    expect(await at.ledger(task)).toMatchObject([{ status: 'completed', sent: false }]);

    expect(await at.run(steps, task)).toMatchObject({ kind: 'replayed' });
    expect(at.published()).toEqual(['trip.ship']);
    expect(await at.ledger(task)).toMatchObject([
      { status: 'completed', sent: true },
      { action: 'trip.pay', status: 'failed', error: { code: 'follow_up_refused' } },
    ]);
  });

  test.for<Verb>(['publish', 'record', 'markSent'])(
    'is seen to by a redelivery, or a sweep, where the process ends at its %s',
    async (verb) => {
      const { turn, steps, runs } = turning([MISFIT, ship.task({})]);
      for (const mended of ['redelivery', 'sweep'] as const) {
        const at = scene();
        at.fail(verb, 2);
        const task = aTask(turn, {});
        const before = runs();
        await at.run(steps, task);
        for (let time = 0; time < 2; time += 1) {
          if (mended === 'sweep') await at.sweep(steps);
          else await at.run(steps, task);
        }
        expect(runs() - before).toBe(1);
        expect(new Set(at.published())).toEqual(new Set(['trip.ship']));
        expect(await at.ledger(task)).toMatchObject([
          { action: 'trip.turn', status: 'completed', sent: true },
          { action: 'trip.pay', status: 'failed', error: { code: 'follow_up_refused' }, fence: 1 },
        ]);
        expect(at.errors().length).toBeGreaterThan(0);
        const published = at.published().length;
        await at.run(steps, task);
        await at.sweep(steps);
        expect(at.published()).toHaveLength(published);
      }
    },
  );

  test('is refused as well where a person gave the result', async () => {
    const { turn, steps } = turning([MISFIT, ship.task({})]);
    const doubtful = defineStep({
      action: 'trip.doubt',
      effect: 'once',
      params: z.object({}),
      async run({ start }) {
        await start();
        throw new Error('No answer.');
      },
      next: () => [MISFIT, ship.task({})],
    });
    const all = registerSteps([turn, doubtful, ...[...steps.values()].filter((s) => s !== turn)]);
    const at = scene();
    const task = aTask(doubtful, {});
    expect(await at.run(all, task)).toMatchObject({ kind: 'in_doubt' });
    await at.store.override(NAMESPACE, task.token, {
      override: { verb: 'resolve_done', result: { kind: 'inline', text: '1' } },
      actor: 'ann',
      reason: 'asked the provider',
    });
    expect(await at.run(all, task)).toMatchObject({ kind: 'replayed' });
    expect(at.published()).toEqual(['trip.ship']);
    expect(await at.ledger(task)).toMatchObject([
      { status: 'completed', sent: true },
      { action: 'trip.pay', status: 'failed', error: { code: 'follow_up_refused' } },
    ]);
  });
});

describe('a workflow goes on', () => {
  function workflowOf(followUps: readonly FollowUp[]) {
    const { turn } = turning(followUps);
    const workflow = defineWorkflow({ name: 'trip.whole', version: 1, input: z.object({}) })
      .step('turn', turn, { params: () => ({}) })
      .step('ship', ship, { params: () => ({}) })
      .build();
    return { workflow, steps: registerSteps([pay], [workflow]) };
  }

  function memberOf(tasks: readonly TaskMessage[], action: string): TaskMessage {
    const task = tasks.find((each) => each.action === action);
    if (!task) throw new Error(`${action} was not published.`);
    return task;
  }

  test.for([
    { title: 'refused', followUps: [MISFIT], kind: 'completed' },
    { title: 'too many', followUps: Array.from({ length: 101 }, () => MISFIT), kind: 'completed' },
    {
      title: 'not deployed yet',
      followUps: [{ action: 'trip.unknown', params: {} }],
      kind: 'retryable_error',
    },
  ])('at once, where what follows from its step is $title', async ({ followUps, kind }) => {
    const { workflow, steps } = workflowOf(followUps);
    const at = scene();
    await at.run(steps, aStart(workflow));
    expect(await at.run(steps, memberOf(at.tasks, 'trip.turn'))).toMatchObject({ kind });
    expect(at.published()).toEqual(['trip.turn', 'trip.ship']);
  });

  test('at a redelivery, where what follows from its step is not deployed yet', async () => {
    const { workflow, steps } = workflowOf([{ action: 'trip.unknown', params: {} }]);
    const at = scene();
    await at.run(steps, aStart(workflow));
    const turn = memberOf(at.tasks, 'trip.turn');
    at.fail('publish', 1);
    await at.run(steps, turn);
    expect(at.published()).toEqual(['trip.turn']);
    expect(await at.run(steps, turn)).toMatchObject({ kind: 'retryable_error' });
    expect(at.published()).toEqual(['trip.turn', 'trip.ship']);
  });

  function aStart(workflow: ReturnType<typeof workflowOf>['workflow']): TaskMessage {
    const origin = { namespace: NAMESPACE, agent: 'tester', key: 'one' };
    return makeTask(workflow.task({}), origin, settableClock().now());
  }
});

describe('a workflow that follows from a step', () => {
  const inner = defineWorkflow({ name: 'trip.inner', version: 1, input: z.object({}) })
    .step('ship', ship, { params: () => ({}) })
    .build();
  const outer = defineStep({
    action: 'trip.outer',
    effect: 'pure',
    params: z.object({}),
    run() {},
    next: () => [inner.task({})],
  });
  const steps = registerSteps([outer], [inner]);

  test('has a ledger of its own, by the token of the task that started it', async () => {
    const at = scene();
    const task = aTask(outer, {});
    await at.run(steps, task);
    for (const each of at.tasks) await at.run(steps, each);
    const ofParent = await at.ledger(task);
    expect(ofParent.map(({ action }) => action)).toEqual(['trip.outer', 'trip.inner']);
    const start = ofParent[1]?.token ?? task.token;
    expect((await at.ledger({ ...task, root: start })).map(({ action }) => action)).toEqual([
      'trip.ship',
    ]);
    const found = (await at.store.workflows?.get(NAMESPACE, start))?.found;
    expect(found?.record.status).toBe('completed');
  });

  test('is caught up with by a redelivery of its start', async () => {
    const at = scene();
    await at.run(steps, aTask(outer, {}));
    const [start] = at.tasks;
    if (!start) throw new Error('The workflow was not published.');
    at.fail('publish', 1);
    await at.run(steps, start);
    expect(at.published()).toEqual(['trip.inner']);
    expect(await at.run(steps, start)).toMatchObject({ kind: 'replayed' });
    expect(at.published()).toEqual(['trip.inner', 'trip.ship']);
  });
});

test('what an earlier definition published is not recorded as refused by a later one', async () => {
  const clock = settableClock();
  const store = memoryStore(clock);
  const publisher = memoryPublisher();
  const runtime = (changes: Partial<TokenStore> = {}) =>
    aRuntime({ clock, publisher, store: { ...store, ...changes }, cache: warmCache(clock) });
  const charge = (params: z.ZodType) =>
    defineStep({
      action: 'trip.charge',
      effect: 'reconcilable',
      params,
      async run({ start }) {
        await start();
        throw new LeaseLost('Its process ends here.');
      },
      reconcile: async () => ({ state: 'unknown' }),
    });
  const wide = charge(z.object({ cents: z.number() }));
  const narrow = charge(z.object({ cents: z.number(), currency: z.string() }));
  const order = (next: () => FollowUp[]) =>
    defineStep({ action: 'trip.order', effect: 'pure', params: z.object({}), run() {}, next });
  const asking = order(() => [{ action: 'trip.charge', params: { cents: 1 } }]);
  const broken = order(() => {
    throw new Error('a bug');
  });
  const task = aTask(broken, {}, { madeAt: clock.now() });
  await runTask(runtime(), registerSteps([broken, wide]), aDelivery(task));
  const unmarked = { markSent: () => Promise.reject(new StoreAway('No answer.')) };
  const again = aDelivery(task, { redelivery: true });
  await runTask(runtime(unmarked), registerSteps([asking, wide]), again);
  const [child] = publisher.published;
  expect(child?.action).toBe('trip.charge');
  await runTask(runtime(), registerSteps([wide]), aDelivery(child!));
  await clock.advance(600_000);
  await runTask(runtime(), registerSteps([asking, narrow]), again);
  const standing = await store.get(NAMESPACE, child!.token);
  expect(standing?.record).toMatchObject({ status: 'claimed', started: true });
});
