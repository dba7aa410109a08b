import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { sweepWorkflows } from '../../../functions/src/engine/sweep-workflows.ts';
import {
  defineStep,
  defineWorkflow,
  makeTask,
  registerSteps,
} from '../../../functions/src/index.ts';
import type { Namespace } from '../../../functions/src/index.ts';
import { StoreAway } from '../../../functions/src/operation/errors.ts';
import type { WorkflowStore } from '../../../functions/src/ports/workflow-store.ts';
import { createTokenStore } from '../../../functions/src/store/token-store.ts';
import {
  aDelivery,
  aRuntime,
  memoryPublisher,
  runTask,
  settableClock,
} from '../../../functions/src/testing/index.ts';
import { memoryDocuments } from '../../../functions/src/testing/memory-documents.ts';

const MINE = 'test' as Namespace;
const OTHER = 'other' as Namespace;
const NEXT_LOOK_MS = 121_000;
const HOUR_MS = 3_600_000;
/** More than a page of due workflows holds. */
const MANY = 250;

const workflow = defineWorkflow({ name: 'test.one', version: 1, input: z.object({}) })
  .step(
    'only',
    defineStep({ action: 'test.only', effect: 'pure', params: z.object({}), run() {} }),
    {
      params: () => ({}),
    },
  )
  .build();
const steps = registerSteps([], [workflow]);

/** One shard of workflows whose only step was published and lost: a sweep publishes it again. */
function oneShard({ random }: { readonly random?: () => number } = {}) {
  const clock = settableClock();
  const publisher = memoryPublisher();
  const unreadable = new Set<string>();
  const whole = createTokenStore(
    memoryDocuments(() => clock.now()),
    { shards: 1 },
  );
  if (!whole.workflows) throw new Error('This store keeps no workflows.');
  const workflows: WorkflowStore = {
    ...whole.workflows,
    async get(namespace, root) {
      if (unreadable.has(root)) throw new StoreAway('It can not be read.');
      return (whole.workflows as WorkflowStore).get(namespace, root);
    },
  };
  const runtime = aRuntime({
    clock,
    publisher,
    store: { ...whole, workflows },
    ...(random && { random }),
  });

  return {
    clock,
    unreadable,
    async begin(count: number, namespace: Namespace, label: string): Promise<string[]> {
      const roots: string[] = [];
      for (let n = 0; n < count; n += 1) {
        const origin = { namespace, agent: 'tester', key: `${label}-${n}` };
        const task = makeTask(workflow.task({}), origin, clock.now());
        await runTask(runtime, steps, aDelivery(task, { namespace }));
        roots.push(task.token);
      }
      await clock.advance(1);
      return roots;
    },
    /** How often a sweep published each workflow's step again. */
    async sweep(limit?: number) {
      const before = publisher.published.length;
      const options = { shard: 0, namespace: MINE, ...(limit !== undefined && { limit }) };
      const { failed } = await sweepWorkflows(runtime, steps, options);
      return { failed, republished: publisher.published.slice(before).map(({ root }) => root) };
    },
  };
}

describe('a sweep of the workflows of one shard', () => {
  test('looks at every one that is due, once', async () => {
    const at = oneShard();
    const roots = await at.begin(5, MINE, 'mine');
    await at.clock.advance(NEXT_LOOK_MS);
    const { republished } = await at.sweep();
    expect(republished.toSorted()).toEqual(roots.toSorted());
  });

  test('reaches those behind more than a page of another namespace', async () => {
    const at = oneShard();
    await at.begin(MANY, OTHER, 'other');
    const mine = await at.begin(1, MINE, 'mine');
    await at.clock.advance(NEXT_LOOK_MS);
    expect((await at.sweep()).republished).toEqual(mine);
  });

  test('reaches those behind more than a page that can not be looked at', async () => {
    const at = oneShard();
    const stuck = await at.begin(MANY, MINE, 'stuck');
    const mine = await at.begin(1, MINE, 'mine');
    for (const root of stuck) at.unreadable.add(root);
    await at.clock.advance(NEXT_LOOK_MS);
    expect(await at.sweep()).toEqual({ failed: MANY, republished: mine });
  });

  test('looks ever more rarely at what can never be looked at', async () => {
    const at = oneShard({ random: () => 0.5 });
    for (const root of await at.begin(3, MINE, 'stuck')) at.unreadable.add(root);
    await at.clock.advance(NEXT_LOOK_MS);
    expect((await at.sweep()).failed).toBe(3);
    await at.clock.advance(HOUR_MS);
    expect((await at.sweep()).failed).toBe(0);
  });

  test('is bounded: what is left is found by the next', async () => {
    const at = oneShard();
    const roots = await at.begin(MANY, MINE, 'mine');
    await at.clock.advance(NEXT_LOOK_MS);
    const first = await at.sweep(210);
    const second = await at.sweep(210);
    expect([first, second].map(({ republished }) => republished.length)).toEqual([210, 40]);
    expect(new Set([...first.republished, ...second.republished])).toEqual(new Set(roots));
  });
});
