import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  defineStep,
  defineWorkflow,
  registerSteps,
  undoWith,
} from '../../../functions/src/index.ts';
import type { AnyStep } from '../../../functions/src/index.ts';
import { NAMESPACE, noting, states, workflowScene } from '../../support/workflow-scene.ts';

/** A charge with this refund, then a shipment that is declined. */
function refundable(ran: string[], refund: AnyStep, charge = noting(ran, 'test.charge')) {
  const workflow = defineWorkflow({ name: 'test.saga', version: 1, input: z.object({}) })
    .step('charge', charge, { params: () => ({}), compensate: undoWith(refund, () => ({})) })
    .step('ship', noting(ran, 'test.ship', { declined: () => true }), { params: () => ({}) })
    .build();
  return { workflow, steps: registerSteps([], [workflow]) };
}

/** Its first `unanswered` runs leave it in doubt. */
function onceOnly(ran: string[], action: string, unanswered = 0) {
  let runs = 0;
  return defineStep({
    action,
    effect: 'once',
    params: z.object({}),
    async run({ start }) {
      await start();
      runs += 1;
      if (runs <= unanswered) throw new Error('No answer.');
      ran.push(action);
    },
  });
}

describe('a compensation whose holder died after its start', () => {
  async function lapsed() {
    const ran: string[] = [];
    const { workflow, steps } = refundable(ran, onceOnly(ran, 'test.refund'));
    const at = workflowScene(steps);
    const root = await at.begin(workflow);
    await at.drain('test.refund');
    const refund = at.task('test.refund');
    await at.dieAfterStart(refund);
    at.lose();
    await at.clock.advance(600_000);
    return { ran, at, root, refund };
  }

  test('is told to its workflow as in doubt, by the delivery that finds it out', async () => {
    const { at, root, refund } = await lapsed();
    expect(await at.deliverAgain(refund)).toBe('in_doubt');
    const { state, error } = (await at.workflow(root)).members['charge'] ?? {};
    expect(state).toBe('undo_in_doubt');
    expect(error?.code).toBeDefined();
  });

  test('is told by a sweep where no delivery comes through to the end', async () => {
    const { at, root, refund } = await lapsed();
    const { request } = await at.prepared(refund);
    expect((await at.store.claim(request)).kind).toBe('inDoubt');
    await at.sweep();
    expect(states(await at.workflow(root))).toEqual({ charge: 'undo_in_doubt', ship: 'failed' });
  });

  test('can be skipped before anybody has told its workflow', async () => {
    const { at, root, refund } = await lapsed();
    const live = await at.steer(root, { verb: 'skip', member: 'charge' });
    expect(live.kind).toBe('refused');
    const { request } = await at.prepared(refund);
    await at.store.claim(request);
    expect(states(await at.workflow(root))['charge']).toBe('undoing');
    expect((await at.steer(root, { verb: 'skip', member: 'charge' })).kind).toBe('steered');
    expect((await at.workflow(root)).status).toBe('compensated');
  });

  test('and that is resolved as done counts as taken back', async () => {
    const { at, root, refund } = await lapsed();
    await at.deliverAgain(refund);
    await at.override(refund.token, {
      verb: 'resolve_done',
      result: { kind: 'inline', text: 'null' },
    });
    await at.drain();
    expect(states(await at.workflow(root))['charge']).toBe('undone');
    expect((await at.workflow(root)).status).toBe('compensated');
  });

  test('and that is resolved as not done is run again', async () => {
    const { ran, at, root, refund } = await lapsed();
    await at.deliverAgain(refund);
    await at.override(refund.token, { verb: 'resolve_not_done' });
    await at.drain();
    expect(ran).toEqual(['test.charge', 'test.refund']);
    expect((await at.workflow(root)).status).toBe('compensated');
  });
});

test('a step forward whose holder died after its start is in doubt for its workflow, too', async () => {
  const ran: string[] = [];
  const { workflow, steps } = refundable(
    ran,
    noting(ran, 'test.refund'),
    onceOnly(ran, 'test.charge'),
  );
  const at = workflowScene(steps);
  const root = await at.begin(workflow);
  const charge = at.task('test.charge');
  await at.dieAfterStart(charge);
  at.lose();
  await at.clock.advance(600_000);
  await at.deliverAgain(charge);
  const record = await at.workflow(root);
  expect(record.status).toBe('running');
  expect(record.members['charge']?.state).toBe('in_doubt');
});

describe('a compensation in doubt that a person has skipped', () => {
  async function skipped() {
    const ran: string[] = [];
    const { workflow, steps } = refundable(ran, onceOnly(ran, 'test.refund', 1));
    const at = workflowScene(steps);
    const root = await at.begin(workflow);
    await at.drain();
    expect(states(await at.workflow(root))['charge']).toBe('undo_in_doubt');
    return { ran, at, root, refund: at.task('test.refund') };
  }

  test('is not run, though its operation is resolved as not done afterwards', async () => {
    const { ran, at, root, refund } = await skipped();
    await at.steer(root, { verb: 'skip', member: 'charge' });
    expect((await at.workflow(root)).status).toBe('compensated');
    await at.override(refund.token, { verb: 'resolve_not_done' });
    expect(await at.drain()).toEqual(['test.refund cancelled']);
    expect(ran).toEqual(['test.charge']);
    expect((await at.operation(refund.token))?.status).toBe('cancelled');
    expect(states(await at.workflow(root))['charge']).toBe('skipped');
  });

  test('is cancelled by the skip, where it was resolved as not done before', async () => {
    const { ran, at, root, refund } = await skipped();
    await at.override(refund.token, { verb: 'resolve_not_done' });
    await at.steer(root, { verb: 'skip', member: 'charge' });
    expect((await at.operation(refund.token))?.status).toBe('cancelled');
    expect(await at.drain()).toEqual(['test.refund cancelled']);
    expect(ran).toEqual(['test.charge']);
  });

  test.for([
    { next: 'a sweep', again: false },
    { next: 'the same skip again', again: true },
  ])('and cancelled, the process ending right then, is skipped by $next', async ({ again }) => {
    const { ran, at, root, refund } = await skipped();
    await at.override(refund.token, { verb: 'resolve_not_done' });
    await at.dyingBeforeWrites(() => at.steer(root, { verb: 'skip', member: 'charge' }));
    expect(states(await at.workflow(root))['charge']).toBe('undo_in_doubt');
    expect((await at.operation(refund.token))?.status).toBe('cancelled');
    if (again) await at.steer(root, { verb: 'skip', member: 'charge' });
    else await at.sweep();
    expect((await at.workflow(root)).steered?.actor).toBe(again ? 'ann' : undefined);
    expect(ran).toEqual(['test.charge']);
    expect(states(await at.workflow(root))['charge']).toBe('skipped');
    expect((await at.workflow(root)).status).toBe('compensated');
  });

  test('can not be skipped while it is being run again', async () => {
    const { at, root, refund } = await skipped();
    await at.override(refund.token, { verb: 'resolve_not_done' });
    await at.dieAfterStart(refund);
    const answer = await at.steer(root, { verb: 'skip', member: 'charge' });
    expect(answer).toMatchObject({ kind: 'refused', why: expect.stringContaining('under way') });
  });

  test('is not skipped, but counted as taken back, where it has been meanwhile', async () => {
    const { at, root, refund } = await skipped();
    const { store } = at;
    await store.override(NAMESPACE, refund.token, {
      override: { verb: 'resolve_done', result: { kind: 'inline', text: 'null' } },
      actor: 'bob',
      reason: 'asked the bank',
    });
    const answer = await at.steer(root, { verb: 'skip', member: 'charge' });
    expect(answer).toMatchObject({ kind: 'refused', why: expect.stringContaining('undone') });
    expect((await at.workflow(root)).status).toBe('compensated');
  });
});

describe('the token of a compensation', () => {
  test('can not be taken by what follows from the step that it undoes', async () => {
    const ran: string[] = [];
    const charge = defineStep({
      action: 'test.charge',
      effect: 'pure',
      params: z.object({}),
      run: () => 1,
      next: () => [{ action: 'undo', params: {} }],
    });
    const workflow = defineWorkflow({ name: 'test.saga', version: 1, input: z.object({}) })
      .step('charge', charge, {
        params: () => ({}),
        compensate: undoWith(noting(ran, 'test.refund'), () => ({})),
      })
      .step('ship', noting(ran, 'test.ship', { declined: () => true }), { params: () => ({}) })
      .build();
    const at = workflowScene(registerSteps([noting(ran, 'undo')], [workflow]));
    const root = await at.begin(workflow);
    await at.drain();
    expect(ran).toEqual(['undo', 'test.refund']);
    expect((await at.workflow(root)).status).toBe('compensated');
  });

  test('that another operation has taken all the same parks the workflow, and is skipped', async () => {
    const ran: string[] = [];
    const { workflow, steps } = refundable(ran, noting(ran, 'test.refund'));
    const other = noting(ran, 'test.other');
    const at = workflowScene(steps);
    const root = await at.begin(workflow);
    await at.drain('test.refund');
    const { workflow: _place, ...task } = at.task('test.refund');
    at.deploy(registerSteps([other], [workflow]));
    await at.deliverAgain({ ...task, action: 'test.other', requestHash: 'h1:another' });
    expect(await at.drain()).toEqual(['test.refund mismatch']);
    const { parked } = await at.workflow(root);
    expect(parked?.code).toBe('mismatch');
    expect(parked?.message).toContain('skip');
    expect(parked?.message).not.toContain('cancel');

    expect((await at.steer(root, { verb: 'skip', member: 'charge' })).kind).toBe('steered');
    expect((await at.workflow(root)).status).toBe('compensated');
    expect((await at.operation(task.token))?.status).toBe('completed');
  });
});
