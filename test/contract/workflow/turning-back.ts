import { expect, test } from 'vitest';
import { z } from 'zod';
import { publishStoredTask } from '../../../functions/src/engine/publish-stored-task.ts';
import {
  defineStep,
  defineWorkflow,
  NotDone,
  registerSteps,
  RetryableError,
  undoWith,
} from '../../../functions/src/index.ts';
import type { Claim } from '../../../functions/src/ports/token-store.ts';
import { NAMESPACE, stage } from './fixture.ts';
import type { Stage, WorkflowSubject } from './fixture.ts';

/** Two steps side by side: one that the provider declines, and one that is up to the test. */
function pair(charge: (effects: string[]) => Promise<void> | void, effect: 'idempotent' | 'once') {
  const effects: string[] = [];
  const decline = defineStep({
    action: 'test.decline',
    effect: 'idempotent',
    params: z.object({}),
    run() {
      throw new NotDone('declined', 'No.', { final: true });
    },
  });
  const pay = defineStep({
    action: 'test.pay',
    effect,
    params: z.object({}),
    async run({ start }) {
      if (effect === 'once') await start();
      await charge(effects);
    },
  });
  const refund = defineStep({
    action: 'test.refund',
    effect: 'idempotent',
    params: z.object({}),
    run: () => void effects.push('refund'),
  });
  const workflow = defineWorkflow({ name: 'test.pair', version: 1, input: z.object({}) })
    .together((add) => ({
      decline: add(decline, { params: () => ({}) }),
      pay: add(pay, { params: () => ({}), compensate: undoWith(refund, () => ({})) }),
    }))
    .build();
  return { effects, workflow, steps: registerSteps([], [workflow]) };
}

export function turningBack(open: WorkflowSubject['open']): void {
  test('a crash after a workflow has turned back publishes no step forward again', async () => {
    const { effects, workflow, steps } = pair((done) => void done.push('pay'), 'idempotent');
    const at = stage(await open(), steps);
    const root = at.begin(workflow.task({}));
    const { declined, pay } = await bothOf(at);
    const { workflows } = at.runtime.store;
    if (!workflows) throw new Error('This store keeps no workflows.');

    // It ends right after the turn is on record; the payment's first publishing is lost.
    const dying = {
      ...workflows,
      async write(progress: Parameters<typeof workflows.write>[0]) {
        await workflows.write(progress);
        throw new Error('The process has ended.');
      },
    };
    const store = { ...at.runtime.store, workflows: dying };
    expect(await at.deliver(declined, { ...at.runtime, store })).toBe('retryable_error');
    expect((await at.workflow(root.token))?.status).toBe('compensating');

    expect(await at.deliverElsewhere(declined)).toBe('replayed');
    expect(at.waiting).toEqual([]);
    const record = await at.workflow(root.token);
    expect(record?.status).toBe('compensated');
    expect(record?.members['pay']?.state).toBe('cancelled');
    expect(await at.deliver(pay)).toBe('cancelled');
    expect(effects).toEqual([]);
  });

  test('a step in doubt that a person resolves as not done is not run once its workflow turned back', async () => {
    let answers = 0;
    const { effects, workflow, steps } = pair((done) => {
      answers += 1;
      if (answers === 1) throw new Error('No answer.');
      done.push('pay');
    }, 'once');
    const at = stage(await open(), steps);
    const root = at.begin(workflow.task({}));
    const { declined, pay } = await bothOf(at);
    expect(await at.deliver(pay)).toBe('in_doubt');
    await at.deliver(declined);
    expect((await at.workflow(root.token))?.status).toBe('compensating');

    const { token } = pay;
    const resolved = await at.runtime.store.override(NAMESPACE, token, {
      override: { verb: 'resolve_not_done' },
      actor: 'ann',
      reason: 'asked the bank',
    });
    if (resolved.kind !== 'overridden') throw new Error(`It is ${resolved.kind}.`);
    await publishStoredTask(at.runtime, resolved.found);
    expect(await at.drain()).toEqual(['cancelled']);
    expect(effects).toEqual([]);
    const record = await at.workflow(root.token);
    expect(record?.status).toBe('compensated');
    expect(record?.members['pay']?.state).toBe('cancelled');
    const operation = await at.runtime.store.get(NAMESPACE, token);
    expect(operation?.record.status).toBe('cancelled');
    expect(operation?.record.fence).toBeGreaterThan(resolved.found.record.fence);
  });

  test('a freed step that another claims before it is cancelled is not counted as cancelled', async () => {
    const { workflow, steps } = pair(() => {
      throw new Error('No answer.');
    }, 'once');
    const at = stage(await open(), steps);
    const root = at.begin(workflow.task({}));
    const { declined, pay } = await bothOf(at);
    await at.deliver(pay);
    await at.deliver(declined);
    const real = at.runtime.store;
    await real.override(NAMESPACE, pay.token, {
      override: { verb: 'resolve_not_done' },
      actor: 'ann',
      reason: 'asked the bank',
    });
    const store = {
      ...real,
      async giveBack(claim: Claim) {
        await real.giveBack(claim);
        const { record } = (await real.get(NAMESPACE, pay.token)) ?? {};
        if (!record) throw new Error('The payment is not on record.');
        const other = { claimId: 'another', leaseMs: 60_000, holder: 'another' };
        await real.claim({ facts: record, ...other });
      },
    };
    expect(await at.deliver(pay, { ...at.runtime, store })).toBe('claim_lost');
    expect((await real.get(NAMESPACE, pay.token))?.record.status).toBe('claimed');
    expect((await at.workflow(root.token))?.status).toBe('compensating');
  });

  test('one resolved as done is taken back', async () => {
    const { effects, workflow, steps } = pair(() => {
      throw new Error('No answer.');
    }, 'once');
    const at = stage(await open(), steps);
    const root = at.begin(workflow.task({}));
    const { declined, pay } = await bothOf(at);
    expect(await at.deliver(pay)).toBe('in_doubt');
    await at.deliver(declined);
    const resolved = await at.runtime.store.override(NAMESPACE, pay.token, {
      override: { verb: 'resolve_done', result: { kind: 'inline', text: 'null' } },
      actor: 'ann',
      reason: 'asked the bank',
    });
    if (resolved.kind !== 'overridden') throw new Error(`It is ${resolved.kind}.`);
    await publishStoredTask(at.runtime, resolved.found);
    await at.drain();
    expect(effects).toEqual(['refund']);
    expect((await at.workflow(root.token))?.status).toBe('compensated');
  });

  test('a step that waits to be tried again, with nothing started, is cancelled by the turn', async () => {
    const { effects, workflow, steps } = pair(() => {
      throw new NotDone('busy', 'Later.', { retryAfterMs: 600_000 });
    }, 'once');
    const at = stage(await open(), steps);
    const root = at.begin(workflow.task({}));
    const { declined, pay } = await bothOf(at);
    expect(await at.deliver(pay)).toBe('retryable_error');
    expect(await at.deliver(declined)).toBe('terminal_error');
    await at.drain();
    expect((await at.workflow(root.token))?.status).toBe('compensated');
    expect(await at.deliver(pay)).toBe('cancelled');
    expect(effects).toEqual([]);
  });

  test('a step that may have begun is not cancelled: compensation waits for it', async () => {
    const { workflow, steps } = pair(() => {
      throw new RetryableError('busy', 'Later.', { retryAfterMs: 600_000 });
    }, 'idempotent');
    const at = stage(await open(), steps);
    const root = at.begin(workflow.task({}));
    const { declined, pay } = await bothOf(at);
    await at.deliver(pay);
    await at.deliver(declined);
    const record = await at.workflow(root.token);
    expect(record?.status).toBe('compensating');
    expect(record?.members['pay']?.state).toBe('published');
  });
}

/** Begins the workflow, and takes its two tasks. */
async function bothOf({ waiting, deliver }: Stage) {
  const root = waiting.shift();
  if (root) await deliver(root);
  const [declined, pay] = waiting.splice(0);
  if (!declined || !pay) throw new Error('The pair was not published.');
  return { declined, pay };
}
