import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { publishStoredTask } from '../../../functions/src/engine/publish-stored-task.ts';
import { sweepWorkflows } from '../../../functions/src/engine/sweep-workflows.ts';
import {
  defineStep,
  defineWorkflow,
  makeTask,
  NotDone,
  registerSteps,
  RetryableError,
  undoWith,
} from '../../../functions/src/index.ts';
import type { Namespace, Steps } from '../../../functions/src/index.ts';
import type { AnyWorkflow } from '../../../functions/src/engine/define-workflow.ts';
import type { TaskMessage } from '../../../functions/src/operation/task.ts';
import {
  aDelivery,
  aRuntime,
  memoryPublisher,
  memoryStore,
  runTask,
  settableClock,
} from '../../../functions/src/testing/index.ts';

const NAMESPACE = 'test' as Namespace;
const DAY_MS = 86_400_000;
const NEXT_LOOK_MS = 121_000;

/** A workflow of two steps, in versions, whose first may leave its effect in doubt. */
function twoSteps({ doubtful = false } = {}) {
  const ran: string[] = [];
  const first = defineStep({
    action: 'test.first',
    effect: 'once',
    params: z.object({}),
    async run({ start }) {
      ran.push('first');
      await start();
      if (doubtful) throw new Error('No answer.');
      return 1;
    },
  });
  const second = defineStep({
    action: 'test.second',
    effect: 'pure',
    params: z.object({}),
    run: () => ran.push('second'),
  });
  const version = (number: number) =>
    defineWorkflow({ name: 'test.two', version: number, input: z.object({}) })
      .step('first', first, { params: () => ({}) })
      .step('second', second, { params: () => ({}) })
      .build();
  return { ran, version };
}

/** A store whose time is set, and all that is published delivered once, when asked. */
function scene() {
  const clock = settableClock();
  const publisher = memoryPublisher();
  const store = memoryStore(clock);
  const runtime = aRuntime({ clock, store, publisher });
  let next = 0;
  return {
    clock,
    store,
    runtime,
    begin(workflow: AnyWorkflow): TaskMessage {
      const origin = { namespace: NAMESPACE, agent: 'tester', key: 'one' };
      return makeTask(workflow.task({}), origin, clock.now());
    },
    async drain(steps: Steps): Promise<string[]> {
      const outcomes: string[] = [];
      for (; next < publisher.published.length; next += 1) {
        const task = publisher.published[next];
        if (!task) continue;
        const { kind } = await runTask(runtime, steps, aDelivery(task, { messageId: `m${next}` }));
        outcomes.push(`${task.action} ${kind}`);
      }
      return outcomes;
    },
    async sweep(steps: Steps): Promise<number> {
      await clock.advance(NEXT_LOOK_MS);
      let republished = 0;
      for (let shard = 0; shard < store.shards; shard += 1) {
        const report = await sweepWorkflows(runtime, steps, { shard, namespace: NAMESPACE });
        expect(report.failed).toBe(0);
        republished += report.republished;
      }
      return republished;
    },
    async workflow({ token }: TaskMessage) {
      return (await store.workflows?.get(NAMESPACE, token))?.found?.record;
    },
  };
}

describe('a sweep of workflows', () => {
  test('tells a workflow of a step that completed where its version was not deployed', async () => {
    const { ran, version } = twoSteps();
    const [old, both] = [
      registerSteps([], [version(1)]),
      registerSteps([], [version(1), version(2)]),
    ];
    const at = scene();
    const root = at.begin(version(1));
    await runTask(at.runtime, old, aDelivery(root));
    await at.drain(registerSteps([], [version(2)]));
    expect((await at.workflow(root))?.members['first']?.state).toBe('published');

    expect(await at.sweep(both)).toBe(0);
    await at.drain(both);
    expect(ran).toEqual(['first', 'second']);
    expect((await at.workflow(root))?.status).toBe('completed');
  });

  test('publishes nothing of a workflow that is parked over a refused task', async () => {
    const { version } = twoSteps();
    const steps = registerSteps([], [version(1)]);
    const at = scene();
    const root = at.begin(version(1));
    await runTask(at.runtime, steps, aDelivery(root));
    expect(await at.drain(registerSteps([]))).toEqual(['test.first invalid']);
    expect((await at.workflow(root))?.status).toBe('parked');
    for (let time = 0; time < 5; time += 1) expect(await at.sweep(steps)).toBe(0);
    expect(await at.drain(steps)).toEqual([]);
  });
});

describe('a step of a workflow', () => {
  test('that a person resolves after longer than records are kept is followed by the next', async () => {
    const { ran, version } = twoSteps({ doubtful: true });
    const steps = registerSteps([], [version(1)]);
    const at = scene();
    const root = at.begin(version(1));
    await runTask(at.runtime, steps, aDelivery(root));
    await at.drain(steps);
    await at.clock.advance(91 * DAY_MS);

    const token = (await at.workflow(root))?.members['first']?.token ?? root.token;
    const answer = await at.store.override(NAMESPACE, token, {
      override: { verb: 'resolve_done', result: { kind: 'inline', text: '1' } },
      actor: 'ann',
      reason: 'asked the bank',
    });
    if (answer.kind !== 'overridden') throw new Error(`It is ${answer.kind}.`);
    await publishStoredTask(at.runtime, answer.found);
    expect(await at.drain(steps)).toEqual(['test.first replayed', 'test.second completed']);
    expect(ran).toEqual(['first', 'second']);
  });

  test('that came too late for its old copy is published again with a date of its own', async () => {
    const { version } = twoSteps();
    const steps = registerSteps([], [version(1)]);
    const at = scene();
    const root = at.begin(version(1));
    await runTask(at.runtime, steps, aDelivery(root));
    await at.clock.advance(91 * DAY_MS);
    expect(await at.drain(steps)).toEqual([
      'test.first expired',
      'test.first completed',
      'test.second completed',
    ]);
    expect((await at.workflow(root))?.status).toBe('completed');
  });

  test.for([
    { title: 'forward', forward: 2, back: undefined, runs: ['step', 'step'], ends: 'compensated' },
    { title: 'back', forward: undefined, back: 2, runs: ['undo', 'undo'], ends: 'parked' },
  ])('is tried as often as its place in the workflow says: $title', async (wanted) => {
    const ran: string[] = [];
    const trying = (action: string, name: string) =>
      defineStep({
        action,
        effect: 'pure',
        params: z.object({}),
        run() {
          ran.push(name);
          throw new RetryableError('busy', 'Later.', { retryAfterMs: 1 });
        },
      });
    const done = defineStep({
      action: 'test.done',
      effect: 'pure',
      params: z.object({}),
      run() {},
    });
    const failing = defineStep({
      action: 'test.failing',
      effect: 'pure',
      params: z.object({}),
      run() {
        throw new NotDone('no', 'No.', { final: true });
      },
    });
    const { forward, back } = wanted;
    const undo = undoWith(
      trying('test.undo', 'undo'),
      () => ({}),
      back === undefined ? {} : { maxAttempts: back },
    );
    const head = defineWorkflow({ name: 'test.tried', version: 1, input: z.object({}) });
    const workflow =
      forward === undefined
        ? head
            .step('one', done, { params: () => ({}), compensate: undo })
            .step('two', failing, { params: () => ({}) })
            .build()
        : head
            .step('one', trying('test.step', 'step'), { params: () => ({}), maxAttempts: forward })
            .build();
    const steps = registerSteps([], [workflow]);
    const at = scene();
    const root = at.begin(workflow);
    await runTask(at.runtime, steps, aDelivery(root));
    await at.drain(steps);
    const tried = (await at.workflow(root))?.members['one']?.token ?? root.token;
    for (let time = 0; time < 5; time += 1) {
      await at.clock.advance(600_001);
      const found = await at.store.get(NAMESPACE, tried);
      if (found) await publishStoredTask(at.runtime, found);
      await at.drain(steps);
    }
    expect(ran).toEqual(wanted.runs);
    expect((await at.workflow(root))?.status).toBe(wanted.ends);
  });

  test('can not be given less than one attempt', () => {
    const { version } = twoSteps();
    const [member] = version(1).stages.flat();
    if (!member) throw new Error('There is no step.');
    const head = defineWorkflow({ name: 'test.none', version: 1, input: z.object({}) });
    const building = () =>
      head.step('none', member.step, { params: () => ({}), maxAttempts: 0 }).build();
    expect(building).toThrow(/"none" has a maxAttempts of 0/);
  });
});
