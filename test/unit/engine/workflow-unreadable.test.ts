import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  defineStep,
  defineWorkflow,
  registerSteps,
  undoWith,
} from '../../../functions/src/index.ts';
import { noting, workflowScene } from '../../support/workflow-scene.ts';

/** A result that is too large for the workflow's document: it stays in its operation. */
const LARGE = { n: 7, text: 'x'.repeat(20_000) };

const answeringLarge = (action: string) =>
  defineStep({ action, effect: 'pure', params: z.object({}), run: () => LARGE });

const notingNumber = (ran: string[], action: string) =>
  defineStep({
    action,
    effect: 'pure',
    params: z.object({ n: z.number() }),
    run: ({ params: { n } }) => ran.push(`${action} ${n}`),
  });

/** A large result, a charge that can be refunded, and a last step built from the large result. */
function builtFromLarge(ran: string[]) {
  const large = answeringLarge('test.large');
  const last = notingNumber(ran, 'test.last');
  const workflow = defineWorkflow({ name: 'test.saga', version: 1, input: z.object({}) })
    .step('large', large, { params: () => ({}) })
    .step('charge', noting(ran, 'test.charge'), {
      params: () => ({}),
      compensate: undoWith(noting(ran, 'test.refund'), () => ({})),
    })
    .step('last', last, { params: ({ results }) => ({ n: results.large.n }) })
    .build();
  return { workflow, steps: registerSteps([], [workflow]) };
}

/** A charge, and a document whose taking back is built from its own large result; then a refusal. */
function undoneFromLarge(ran: string[], deleteBy: 'result' | 'nothing' = 'result') {
  const write = answeringLarge('test.write');
  const erase = notingNumber(ran, 'test.erase');
  const workflow = defineWorkflow({ name: 'test.undone', version: 1, input: z.object({}) })
    .step('charge', noting(ran, 'test.charge'), {
      params: () => ({}),
      compensate: undoWith(noting(ran, 'test.refund'), () => ({})),
    })
    .together((member) => ({
      write: member(write, {
        params: () => ({}),
        compensate: undoWith(erase, (known) => ({
          n: deleteBy === 'result' ? known.result.n : 0,
        })),
      }),
      note: member(noting(ran, 'test.note'), {
        params: () => ({}),
        compensate: undoWith(noting(ran, 'test.unnote'), () => ({})),
      }),
    }))
    .step('last', noting(ran, 'test.last', { declined: () => true }), { params: () => ({}) })
    .build();
  return { workflow, steps: registerSteps([], [workflow]) };
}

describe('an earlier result that can not be read any more', () => {
  test('keeps nobody from taking back what has completed', async () => {
    const ran: string[] = [];
    const { workflow, steps } = builtFromLarge(ran);
    const at = workflowScene(steps);
    const root = await at.begin(workflow);
    await at.drain('test.last');
    const last = at.task('test.last');
    await at.override(at.task('test.large').token, { verb: 'purge' });

    expect((await at.steer(root, { verb: 'cancel' })).kind).toBe('steered');
    at.lose();
    expect(await at.deliverAgain(at.task('test.refund'))).toBe('completed');
    expect(ran).toEqual(['test.charge', 'test.refund']);
    expect((await at.workflow(root)).status).toBe('compensated');
    expect(await at.deliverAgain(last)).toBe('cancelled');
  });

  test('parks a workflow whose lost task can not be made again, until it is cancelled', async () => {
    const ran: string[] = [];
    const { workflow, steps } = builtFromLarge(ran);
    const at = workflowScene(steps);
    const root = await at.begin(workflow);
    await at.drain('test.last');
    at.lose();
    await at.override(at.task('test.large').token, { verb: 'purge' });

    expect((await at.sweep()).failed).toBe(0);
    const record = await at.workflow(root);
    expect(record.status).toBe('parked');
    expect(record.parked?.code).toBe('params_not_built');
    expect(record.parked?.message).toContain('"last"');
    expect((await at.steer(root, { verb: 'retry' })).kind).toBe('steered');
    expect((await at.workflow(root)).parked?.code).toBe('params_not_built');
    await at.steer(root, { verb: 'cancel' });
    await at.drain();
    expect(ran).toEqual(['test.charge', 'test.refund']);
    expect((await at.workflow(root)).status).toBe('compensated');
  });

  test('parks a workflow whose next step is built from it, though even its stub is forgotten', async () => {
    const ran: string[] = [];
    const { workflow, steps } = builtFromLarge(ran);
    const at = workflowScene(steps);
    const root = await at.begin(workflow);
    await at.drain('test.charge');
    at.forget(at.task('test.large').token);

    expect(await at.drain()).toEqual(['test.charge completed']);
    const record = await at.workflow(root);
    expect(record.status).toBe('parked');
    expect(record.parked?.code).toBe('params_not_built');
    expect(record.members['charge']?.state).toBe('completed');
  });

  test('and that is forgotten altogether holds up nothing that is not built from it', async () => {
    const ran: string[] = [];
    const large = noting(ran, 'test.large', { result: LARGE });
    const wait = defineStep({
      action: 'test.wait',
      effect: 'once',
      params: z.object({}),
      async run({ start }) {
        await start();
        throw new Error('No answer.');
      },
    });
    const workflow = defineWorkflow({ name: 'test.months', version: 1, input: z.object({}) })
      .step('large', large, { params: () => ({}) })
      .step('charge', noting(ran, 'test.charge'), {
        params: () => ({}),
        compensate: undoWith(noting(ran, 'test.refund'), () => ({})),
      })
      .step('wait', wait, { params: () => ({}) })
      .build();
    const at = workflowScene(registerSteps([], [workflow]));
    const root = await at.begin(workflow);
    await at.drain();
    at.forget(at.task('test.large').token);
    await at.clock.advance(100 * 86_400_000);
    await at.override(at.task('test.wait').token, { verb: 'resolve_not_done' });

    expect((await at.steer(root, { verb: 'cancel' })).kind).toBe('steered');
    await at.drain();
    expect(ran).toEqual(['test.large', 'test.charge', 'test.refund']);
    expect((await at.workflow(root)).status).toBe('compensated');
  });
});

describe("a compensation's params that can not be built", () => {
  test('park the workflow; skipped, it is not run, and all others are', async () => {
    const ran: string[] = [];
    const { workflow, steps } = undoneFromLarge(ran);
    const at = workflowScene(steps);
    const root = await at.begin(workflow);
    await at.drain('test.last');
    await at.override(at.task('test.write').token, { verb: 'purge' });
    await at.drain();
    const record = await at.workflow(root);
    expect(record.parked?.code).toBe('params_not_built');
    expect(record.parked?.message).toContain('"write"');
    expect(record.parked?.over).toEqual(['write']);

    const early = await at.steer(root, { verb: 'skip', member: 'charge' });
    expect(early.kind).toBe('refused');
    const skipped = await at.steer(root, { verb: 'skip', member: 'write' });
    expect(skipped.kind).toBe('steered');
    await at.drain();
    expect(ran).toEqual(['test.charge', 'test.note', 'test.unnote', 'test.refund']);
    const after = await at.workflow(root);
    expect(after.status).toBe('compensated');
    expect(after.members['write']?.state).toBe('skipped');
  });

  test('and whose task was published before is cancelled by a skip, however late it comes', async () => {
    const ran: string[] = [];
    const { workflow, steps } = undoneFromLarge(ran);
    const at = workflowScene(steps);
    const root = await at.begin(workflow);
    await at.drain('test.erase');
    const erase = at.task('test.erase');
    at.lose();
    await at.deliverAgain(at.task('test.unnote'));
    await at.override(at.task('test.write').token, { verb: 'purge' });
    await at.sweep();
    expect((await at.workflow(root)).parked?.over).toEqual(['write']);

    expect((await at.steer(root, { verb: 'skip', member: 'write' })).kind).toBe('steered');
    expect(await at.deliverAgain(erase)).toBe('cancelled');
    await at.drain();
    expect(ran).toEqual(['test.charge', 'test.note', 'test.unnote', 'test.refund']);
    expect((await at.workflow(root)).status).toBe('compensated');
  });

  test('are built anew by a retry, once the definition is mended', async () => {
    const ran: string[] = [];
    const { workflow, steps } = undoneFromLarge(ran);
    const at = workflowScene(steps);
    const root = await at.begin(workflow);
    await at.drain('test.last');
    await at.override(at.task('test.write').token, { verb: 'purge' });
    await at.drain();
    at.deploy(undoneFromLarge(ran, 'nothing').steps);
    await at.steer(root, { verb: 'retry' });
    await at.drain();
    expect(ran.toSorted()).toEqual([
      'test.charge',
      'test.erase 0',
      'test.note',
      'test.refund',
      'test.unnote',
    ]);
    expect((await at.workflow(root)).status).toBe('compensated');
  });

  test('of a workflow parked on its way forward nothing can be skipped', async () => {
    const ran: string[] = [];
    const { workflow, steps } = builtFromLarge(ran);
    const at = workflowScene(steps);
    const root = await at.begin(workflow);
    await at.drain('test.charge');
    await at.override(at.task('test.large').token, { verb: 'purge' });
    await at.drain();
    expect((await at.workflow(root)).parkedFrom).toBe('running');
    for (const member of ['charge', 'last', 'large']) {
      expect((await at.steer(root, { verb: 'skip', member })).kind).toBe('refused');
    }
  });
});
