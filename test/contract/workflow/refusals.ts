import { expect, test } from 'vitest';
import { z } from 'zod';
import {
  defineStep,
  defineWorkflow,
  NotDone,
  registerSteps,
  undoWith,
} from '../../../functions/src/index.ts';
import type { Steps } from '../../../functions/src/index.ts';
import { stage, NAMESPACE } from './fixture.ts';
import type { Stage, WorkflowSubject } from './fixture.ts';

interface Shape {
  /** What the reservation costs: the charge's schema wants more than `least`. */
  readonly price?: number;
  readonly least?: number;
  /** What the release's schema wants at least. */
  readonly leastBack?: number;
  readonly declined?: boolean;
  readonly version?: number;
}

/** Reserve, then charge; the reservation can be released. */
function deployment(
  effects: string[],
  { price = 5, least = 0, leastBack = 0, declined = false, version = 1 }: Shape,
) {
  const reserve = defineStep({
    action: 'test.reserve',
    effect: 'idempotent',
    params: z.object({}),
    run() {
      effects.push('reserve');
      return { price };
    },
  });
  const charge = defineStep({
    action: 'test.charge',
    effect: 'idempotent',
    params: z.object({ price: z.number().gt(least) }),
    run() {
      if (declined) throw new NotDone('declined', 'No.', { final: true });
      effects.push('charge');
    },
  });
  const release = defineStep({
    action: 'test.release',
    effect: 'idempotent',
    params: z.object({ price: z.number().gt(leastBack) }),
    run() {
      effects.push('release');
    },
  });
  const workflow = defineWorkflow({ name: 'test.buy', version, input: z.object({}) })
    .step('reserve', reserve, {
      params: () => ({}),
      compensate: undoWith(release, ({ result }) => ({ price: result.price })),
    })
    .step('charge', charge, { params: ({ results }) => ({ price: results.reserve.price }) })
    .build();
  return { workflow, steps: registerSteps([], [workflow]) };
}

const SIGNED = { actor: 'ann', reason: 'looked at it' } as const;

export function refusals(open: WorkflowSubject['open']): void {
  async function begin(effects: string[], shape: Shape) {
    const { workflow, steps } = deployment(effects, shape);
    const at = stage(await open(), steps);
    return { at, steps, root: at.begin(workflow.task({})) };
  }

  test('params that a step refuses park the workflow, naming the faults; mended, it goes on', async () => {
    const effects: string[] = [];
    const { at, root } = await begin(effects, { price: 0 });
    expect(await at.drain()).toEqual(['completed', 'completed']);
    const record = await at.workflow(root.token);
    expect(record?.status).toBe('parked');
    expect(record?.dueAt).toBeUndefined();
    expect(record?.parked?.code).toBe('params_misfit');
    expect(record?.parked?.message).toMatch(/"charge" for test\.charge: params\.price: .*>0/);

    at.deploy(deployment(effects, { least: -1 }).steps);
    await at.steer(root.token, { verb: 'retry', ...SIGNED });
    await at.drain();
    expect(effects).toEqual(['reserve', 'charge']);
    expect((await at.workflow(root.token))?.status).toBe('completed');
  });

  test('a workflow parked over its params can be cancelled instead', async () => {
    const effects: string[] = [];
    const { at, root } = await begin(effects, { price: 0, leastBack: -1 });
    await at.drain();
    await at.steer(root.token, { verb: 'cancel', ...SIGNED });
    await at.drain();
    expect(effects).toEqual(['reserve', 'release']);
    expect((await at.workflow(root.token))?.status).toBe('compensated');
  });

  test("a compensation's params that its step refuses park the workflow as well", async () => {
    const effects: string[] = [];
    const shape = { declined: true, leastBack: 10 };
    const { at, root } = await begin(effects, shape);
    await at.drain();
    const record = await at.workflow(root.token);
    expect(record?.status).toBe('parked');
    expect(record?.parked?.message).toContain('params.price');
    expect(record?.members['reserve']?.state).toBe('completed');

    at.deploy(deployment(effects, { declined: true }).steps);
    await at.steer(root.token, { verb: 'retry', ...SIGNED });
    await at.drain();
    expect(effects).toEqual(['reserve', 'release']);
    expect((await at.workflow(root.token))?.status).toBe('compensated');
  });

  test('a task that its step refuses by now fails for good, and what completed is taken back', async () => {
    const effects: string[] = [];
    const { at, root } = await begin(effects, {});
    await reach(at, 'test.charge');
    const [charge] = at.waiting;
    at.deploy(deployment(effects, { least: 10 }).steps);
    expect((await at.drain())[0]).toBe('invalid');
    const record = await at.workflow(root.token);
    expect(record?.status).toBe('compensated');
    expect(record?.cause).toMatchObject({
      code: 'refused',
      message: expect.stringContaining('params.price'),
    });
    expect(effects).toEqual(['reserve', 'release']);
    // Nobody runs it any more, whatever is deployed.
    at.deploy(deployment(effects, {}).steps);
    expect(charge && (await at.deliver(charge))).toBe('replayed');
    expect(effects).toEqual(['reserve', 'release']);
  });

  test('a compensation that its step refuses by now is parked for a person, and run when retried', async () => {
    const effects: string[] = [];
    const { at, root } = await begin(effects, { declined: true });
    await reach(at, 'test.release');
    at.deploy(deployment(effects, { declined: true, leastBack: 10 }).steps);
    expect(await at.drain()).toEqual(['invalid']);
    const record = await at.workflow(root.token);
    expect(record?.parked).toMatchObject({
      code: 'compensation_failed',
      message: expect.stringContaining('params.price'),
    });

    at.deploy(deployment(effects, { declined: true }).steps);
    await at.steer(root.token, { verb: 'retry', ...SIGNED });
    await at.drain();
    expect(effects).toEqual(['reserve', 'release']);
    expect((await at.workflow(root.token))?.status).toBe('compensated');
  });

  test('a task whose action is not deployed parks its workflow until it is', async () => {
    const effects: string[] = [];
    const { at, root, steps } = await begin(effects, {});
    await reach(at, 'test.charge');
    at.deploy(registerSteps([]));
    expect(await at.drain()).toEqual(['invalid']);
    const record = await at.workflow(root.token);
    expect(record?.status).toBe('parked');
    expect(record?.parked?.code).toBe('version_not_deployed');

    at.deploy(steps);
    await at.steer(root.token, { verb: 'retry', ...SIGNED });
    await at.drain();
    expect(effects).toEqual(['reserve', 'charge']);
    expect((await at.workflow(root.token))?.status).toBe('completed');
  });

  test("a token that is used for another action parks the workflow whose step's it is", async () => {
    const effects: string[] = [];
    const { at, root, steps } = await begin(effects, {});
    await reach(at, 'test.charge');
    const [charge] = at.waiting;
    if (!charge) throw new Error('The charge was not published.');
    at.deploy(other(effects));
    const { workflow: _place, ...task } = charge;
    await at.deliver({ ...task, action: 'test.other', params: {}, requestHash: 'h1:another' });
    at.deploy(steps);
    expect(await at.drain()).toEqual(['mismatch']);
    const record = await at.workflow(root.token);
    expect(record?.status).toBe('parked');
    expect(record?.parked?.code).toBe('mismatch');
    await at.steer(root.token, { verb: 'cancel', ...SIGNED });
    await at.drain();
    expect(effects).toEqual(['reserve', 'other', 'release']);
    expect((await at.workflow(root.token))?.status).toBe('compensated');
  });

  test('a step that completed while its workflow was not deployed is told of on retry', async () => {
    const effects: string[] = [];
    const { at, root, steps } = await begin(effects, {});
    await at.deliver(at.waiting.shift() ?? root);
    at.deploy(deployment(effects, { version: 2 }).steps);
    expect(await at.drain()).toEqual(['completed']);
    expect((await at.workflow(root.token))?.members['reserve']?.state).toBe('published');

    at.deploy(steps);
    const { workflows } = at.runtime.store;
    const { found } = (await workflows?.get(NAMESPACE, root.token)) ?? {};
    if (!workflows || !found) throw new Error('The workflow is not there.');
    const parked = { code: 'version_not_deployed', message: 'Not here.', retryable: false };
    await workflows.write({
      kind: 'move',
      revision: found.revision,
      record: { ...found.record, status: 'parked', parked, parkedFrom: 'running' },
    });
    await at.steer(root.token, { verb: 'retry', ...SIGNED });
    await at.drain();
    expect(effects).toEqual(['reserve', 'charge']);
    expect((await at.workflow(root.token))?.status).toBe('completed');
  });
}

/** Runs what waits until a task for the action does. */
async function reach(at: Stage, action: string): Promise<void> {
  for (;;) {
    const [next] = at.waiting;
    if (!next) throw new Error(`No task for ${action} was published.`);
    if (next.action === action) return;
    at.waiting.shift();
    await at.deliver(next);
  }
}

function other(effects: string[]): Steps {
  const step = defineStep({
    action: 'test.other',
    effect: 'idempotent',
    params: z.object({}),
    run: () => void effects.push('other'),
  });
  return registerSteps([step]);
}
