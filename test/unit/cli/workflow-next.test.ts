import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { unpainted } from '../../../functions/src/cli/paint.ts';
import { describeWorkflow } from '../../../functions/src/cli/workflow-view.ts';
import {
  defineStep,
  defineWorkflow,
  NotDone,
  registerSteps,
  undoWith,
} from '../../../functions/src/index.ts';
import type { AnyStep, Token } from '../../../functions/src/index.ts';
import { NAMESPACE, noting, workflowScene } from '../../support/workflow-scene.ts';
import type { WorkflowScene } from '../../support/workflow-scene.ts';

const HOUR_MS = 3_600_000;
const SIGNED = '--actor YOU --reason WHY';

/** The page of `agent-once workflow ROOT`, and the commands on it. */
async function page(at: WorkflowScene, root: Token) {
  const record = await at.workflow(root);
  const { operations } = await at.store.ledger(NAMESPACE, root, { limit: 100 });
  const view = { record, operations, now: at.store.now(), invocation: 'agent-once' };
  const text = describeWorkflow(view, unpainted);
  const commands = text.split('\n').flatMap((line) => {
    const command = line.trim();
    return command.startsWith('agent-once ') ? [command.replace('agent-once ', '')] : [];
  });
  return { text, commands };
}

/** Waits for an answer that never comes: its effect is in doubt. */
function unanswered(action: string): AnyStep {
  return defineStep({
    action,
    effect: 'once',
    params: z.object({}),
    async run({ start }) {
      await start();
      throw new Error('No answer.');
    },
  });
}

interface Shape {
  readonly charge?: AnyStep;
  readonly refund?: AnyStep;
  /** Those of the refund throw. */
  readonly unbuildable?: boolean;
  /** What the shipment's schema refuses. */
  readonly misfit?: boolean;
}

function deployment({
  charge = noting([], 'test.charge'),
  refund = noting([], 'test.refund'),
  unbuildable = false,
  misfit = false,
}: Shape) {
  const ship = defineStep({
    action: 'test.ship',
    effect: 'pure',
    params: z.object({ boxes: z.int().positive() }),
    run() {
      throw new NotDone('undeliverable', 'Nobody delivers there.', { final: true });
    },
  });
  const workflow = defineWorkflow({
    name: 'test.saga',
    version: 1,
    input: z.object({}),
    deadlineMs: HOUR_MS,
  })
    .step('charge', charge, {
      params: () => ({}),
      compensate: undoWith(refund, () => {
        if (unbuildable) throw new Error('There is no refund address.');
        return {};
      }),
    })
    .step('ship', ship, { params: () => ({ boxes: misfit ? 0 : 1 }) })
    .build();
  return { workflow, steps: registerSteps([], [workflow]) };
}

async function scene(shape: Shape, upTo?: string) {
  const { workflow, steps } = deployment(shape);
  const at = workflowScene(steps);
  const root = await at.begin(workflow);
  await at.drain(upTo);
  return { at, root, workflow };
}

describe('the page of a workflow', () => {
  test('that is parked on its way offers to go on and to cancel, by its deadline', async () => {
    const { at, root } = await scene({ misfit: true });
    const { text, commands } = await page(at, root);
    expect(text).toMatch(/test\.saga v1 {2}parked/);
    expect(text).toMatch(/deadline {2}\S+.*in 1 h/);
    expect(commands).toEqual([`retry ${root} ${SIGNED}`, `cancel ${root} ${SIGNED}`]);
  });

  test('that is parked on its way beyond its deadline offers to cancel only', async () => {
    const { at, root } = await scene({ misfit: true });
    await at.clock.advance(2 * HOUR_MS);
    const { text, commands } = await page(at, root);
    expect(text).toContain('its deadline has passed');
    expect(commands).toEqual([`cancel ${root} ${SIGNED}`]);
  });

  test('whose step is in doubt says what waits, and how it is resolved', async () => {
    const { at, root } = await scene({ charge: unanswered('test.charge') });
    const { token } = at.task('test.charge');
    const { text, commands } = await page(at, root);
    expect(text).toContain('Step "charge" is in doubt: nothing follows');
    expect(commands).toEqual([
      `resolve ${token} --done RESULT-JSON ${SIGNED}`,
      `resolve ${token} --not-done ${SIGNED}`,
      `cancel ${root} ${SIGNED}`,
    ]);
    await at.override(token, { verb: 'resolve_not_done' });
    expect((await page(at, root)).commands).toEqual([`cancel ${root} ${SIGNED}`]);
  });

  test('whose compensation is in doubt offers to resolve it, or to take it on', async () => {
    const { at, root } = await scene({ refund: unanswered('test.refund') });
    const { token } = at.task('test.refund');
    const { text, commands } = await page(at, root);
    expect(text).toContain('The compensation of "charge" is in doubt: nothing else is taken back');
    expect(commands).toEqual([
      `resolve ${token} --done RESULT-JSON ${SIGNED}`,
      `resolve ${token} --not-done ${SIGNED}`,
      `skip ${root} charge ${SIGNED}`,
    ]);
    expect((await at.steer(root, { verb: 'skip', member: 'charge' })).kind).toBe('steered');
    const skipped = await page(at, root);
    expect(skipped.text).toContain('taken on by a person');
    expect(skipped.text).toContain('(charge)');
    expect(skipped.commands).toEqual([]);
  });

  test('whose compensation can not be built offers to go on without it', async () => {
    const { at, root } = await scene({ unbuildable: true });
    const { text, commands } = await page(at, root);
    expect(text).toContain('There is no refund address.');
    expect(text).not.toContain('deadline');
    expect(commands).toEqual([`retry ${root} ${SIGNED}`, `skip ${root} charge ${SIGNED}`]);
    expect((await at.steer(root, { verb: 'skip', member: 'charge' })).kind).toBe('steered');
  });

  test('whose compensation failed for good offers to run it again, or to take it on', async () => {
    const refund = noting([], 'test.refund', { declined: () => true });
    const { at, root } = await scene({ refund });
    const { commands } = await page(at, root);
    expect(commands).toEqual([`retry ${root} ${SIGNED}`, `skip ${root} charge ${SIGNED}`]);
  });

  test('whose compensation lost its token to another operation shows that one', async () => {
    const { at, root, workflow } = await scene({}, 'test.refund');
    at.deploy(registerSteps([noting([], 'test.other')], [workflow]));
    const { workflow: _place, ...task } = at.task('test.refund');
    await at.deliverAgain({ ...task, action: 'test.other', requestHash: 'h1:another' });
    expect(await at.drain()).toEqual(['test.refund mismatch']);
    const { text, commands } = await page(at, root);
    expect(text).toContain('the operation that has taken its token');
    expect(commands).toEqual([`show ${task.token}`, `skip ${root} charge ${SIGNED}`]);
  });

  test('that comes to its end by itself offers to cancel it, and nothing once it is done', async () => {
    const { at, root } = await scene({}, 'test.ship');
    expect((await page(at, root)).commands).toEqual([`cancel ${root} ${SIGNED}`]);
    await at.drain();
    const { text, commands } = await page(at, root);
    expect(text).toContain('Nothing: all that had completed is taken back.');
    expect(commands).toEqual([]);
  });
});
