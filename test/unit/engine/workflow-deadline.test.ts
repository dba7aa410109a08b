import { describe, expect, test } from 'vitest';
import { defineWorkflow, registerSteps, undoWith } from '../../../functions/src/index.ts';
import { z } from 'zod';
import { aDelivery, runTask } from '../../../functions/src/testing/index.ts';
import { noting, states, workflowScene } from '../../support/workflow-scene.ts';

const DEADLINE_MS = 60_000;
const LATE_MS = 3_600_000;

/** Two steps, the first with a compensation, under a deadline; alone or beside others in their stages. */
function underDeadline({ side = false } = {}) {
  const ran: string[] = [];
  const undo = undoWith(noting(ran, 'test.refund'), () => ({}));
  const charge = noting(ran, 'test.charge');
  const ship = noting(ran, 'test.ship');
  const head = defineWorkflow({
    name: 'test.due',
    version: 1,
    input: z.object({}),
    deadlineMs: DEADLINE_MS,
  });
  const charged = side
    ? head.together((member) => ({
        charge: member(charge, { params: () => ({}), compensate: undo }),
        note: member(noting(ran, 'test.note'), { params: () => ({}) }),
      }))
    : head.step('charge', charge, { params: () => ({}), compensate: undo });
  const workflow = charged.step('ship', ship, { params: () => ({}) }).build();
  return { ran, workflow, steps: registerSteps([], [workflow]) };
}

describe('a workflow past its deadline', () => {
  test.for([
    { title: 'a step', side: false, ran: ['test.charge', 'test.refund'] },
    { title: 'a group', side: true, ran: ['test.charge', 'test.refund'] },
  ])('takes back what completes late, and starts no next step: $title', async ({ side, ran }) => {
    const line = underDeadline({ side });
    const at = workflowScene(line.steps);
    const root = await at.begin(line.workflow);
    await at.clock.advance(LATE_MS);
    await at.drain();
    expect(line.ran).toEqual(ran);
    expect(await at.workflow(root)).toMatchObject({
      status: 'compensated',
      cause: { code: 'deadline_passed' },
    });
  });

  test('takes back even a last step that completes late, as it would after a sweep', async () => {
    for (const swept of [false, true]) {
      const line = underDeadline();
      const at = workflowScene(line.steps);
      const root = await at.begin(line.workflow);
      await at.drain('test.ship');
      await at.clock.advance(LATE_MS);
      if (swept) await at.sweep();
      await at.drain();
      const record = await at.workflow(root);
      expect(record.status).toBe('compensated');
      expect(states(record)['charge']).toBe('undone');
    }
  });

  test('goes on, on the millisecond before it', async () => {
    const line = underDeadline();
    const at = workflowScene(line.steps);
    const root = await at.begin(line.workflow);
    await at.clock.advance(DEADLINE_MS - 1);
    await at.drain();
    expect((await at.workflow(root)).status).toBe('completed');
  });

  test('is turned back by the next sweep, where the process ends at the late commit', async () => {
    const line = underDeadline();
    const at = workflowScene(line.steps);
    const root = await at.begin(line.workflow);
    await at.clock.advance(LATE_MS);
    const { store } = at.runtime;
    const { workflows } = store;
    if (!workflows) throw new Error('This store keeps no workflows.');
    let reads = 0;
    const ending = {
      ...workflows,
      get: async (...args: Parameters<typeof workflows.get>) => {
        reads += 1;
        if (reads > 1) throw new Error('The process has ended.');
        return workflows.get(...args);
      },
    };
    const task = at.task('test.charge');
    const ended = { ...at.runtime, store: { ...store, workflows: ending } };
    await runTask(ended, line.steps, aDelivery(task));
    expect(states(await at.workflow(root))).toEqual({ charge: 'completed' });
    at.lose();
    await at.sweep();
    await at.drain();
    expect(line.ran).toEqual(['test.charge', 'test.refund']);
    expect((await at.workflow(root)).status).toBe('compensated');
  });
});
