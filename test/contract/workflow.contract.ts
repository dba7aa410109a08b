import { describe, expect, test } from 'vitest';
import { steerWorkflow } from '../../functions/src/engine/steer-workflow.ts';
import { fanOut, orderSaga } from './workflow/definitions.ts';
import { largeResults } from './workflow/large-results.ts';
import { refusals } from './workflow/refusals.ts';
import { lifeOfWorkflows } from './workflow/life.ts';
import { turningBack } from './workflow/turning-back.ts';
import { NAMESPACE, stage } from './workflow/fixture.ts';
import type { WorkflowSubject } from './workflow/fixture.ts';

export function workflowContract({ name, open }: WorkflowSubject): void {
  describe(`workflows on ${name}`, () => {
    test('a linear step is recorded and moved on by 3 writes and 1 read at most', async () => {
      const { workflow, steps, effects } = orderSaga();
      const at = stage(await open(), steps);
      const root = at.begin(workflow.task({ to: 'home' }));
      await at.deliver(at.waiting.shift() ?? root);
      const [reserve] = at.waiting.splice(0);
      Object.assign(at.calls, { commits: 0, writes: 0, reads: 0 });
      await at.deliver(reserve ?? root);
      expect(at.calls).toEqual({ commits: 2, writes: 3, reads: 1 });
      await at.drain();
      expect(effects).toEqual(['test.reserve', 'test.charge', 'test.ship']);
      expect((await at.workflow(root.token))?.status).toBe('completed');
    });

    test('the duplicate of a step that the workflow is beyond publishes nothing', async () => {
      const { workflow, steps, effects } = orderSaga();
      const at = stage(await open(), steps);
      const root = at.begin(workflow.task({ to: 'home' }));
      const ran = [];
      for (let task = at.waiting.shift(); task; task = at.waiting.shift()) {
        ran.push(task);
        await at.deliver(task);
      }
      for (const task of ran) {
        expect(await at.deliver(task)).toBe('replayed');
        expect(await at.deliverElsewhere(task)).toBe('replayed');
      }
      expect(at.waiting).toEqual([]);
      expect(effects).toHaveLength(3);
      expect((await at.workflow(root.token))?.status).toBe('completed');
    });

    test('a crash between the commit and the publishing is made good by the redelivery', async () => {
      const { workflow, steps, effects } = orderSaga();
      const at = stage(await open(), steps);
      const root = at.begin(workflow.task({ to: 'home' }));
      await at.deliver(at.waiting.shift() ?? root);
      const [reserve] = at.waiting.splice(0);
      await at.deliver(reserve ?? root);
      at.waiting.length = 0; // the crash: what followed was never published
      await at.deliverElsewhere(reserve ?? root);
      expect(at.waiting.map(({ action }) => action)).toEqual(['test.charge']);
      await at.drain();
      expect(effects).toEqual(['test.reserve', 'test.charge', 'test.ship']);
    });

    test('a step that fails for good has the completed ones taken back, last first', async () => {
      const { workflow, steps, effects } = orderSaga();
      const at = stage(await open(), steps);
      const root = at.begin(workflow.task({ to: 'nowhere' }));
      await at.drain();
      expect(effects).toEqual(['test.reserve', 'test.charge', 'test.refund', 'test.release']);
      const record = await at.workflow(root.token);
      expect(record?.status).toBe('compensated');
      expect(record?.cause?.code).toBe('undeliverable');
    });

    test('every operation of a workflow is in its ledger, in logical-time order', async () => {
      const { workflow, steps } = orderSaga();
      const at = stage(await open(), steps);
      const root = at.begin(workflow.task({ to: 'nowhere' }));
      await at.drain();
      const { operations } = await at.runtime.store.ledger(NAMESPACE, root.token, { limit: 20 });
      expect(operations.map(({ record }) => record.action)).toEqual([
        'test.order',
        'test.reserve',
        'test.charge',
        'test.ship',
        'test.refund',
        'test.release',
      ]);
      const times = operations.map(({ record }) => record.logicalTime);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
    });

    test('a step delivered after compensation began has no effect', async () => {
      const { workflow, steps, effects } = orderSaga();
      const at = stage(await open(), steps);
      const root = at.begin(workflow.task({ to: 'home' }));
      await at.deliver(at.waiting.shift() ?? root);
      await at.deliver(at.waiting.shift() ?? root);
      const [charge] = at.waiting.splice(0);
      const { workflows } = at.runtime.store;
      if (!workflows || !charge) throw new Error('The charge was not published.');
      const steered = await steerWorkflow(
        at.runtime,
        workflows,
        steps,
        { namespace: NAMESPACE, root: root.token },
        { verb: 'cancel', actor: 'ann', reason: 'changed her mind' },
      );
      expect(steered.kind).toBe('steered');
      expect(await at.deliver(charge)).toBe('cancelled');
      await at.drain();
      expect(effects).toEqual(['test.reserve', 'test.release']);
      expect((await at.workflow(root.token))?.status).toBe('compensated');
    });

    test('a cancelled workflow waits for the step under way, then takes it back too', async () => {
      let arrived = () => {};
      let go = () => {};
      const charging = new Promise<void>((resolve) => void (arrived = resolve));
      const mayGo = new Promise<void>((resolve) => void (go = resolve));
      const { workflow, steps, effects } = orderSaga(async (effect) => {
        if (effect !== 'test.charge') return;
        arrived();
        await mayGo;
      });
      const at = stage(await open(), steps);
      const root = at.begin(workflow.task({ to: 'home' }));
      await at.deliver(at.waiting.shift() ?? root);
      await at.deliver(at.waiting.shift() ?? root);
      const running = at.deliver(at.waiting.shift() ?? root);
      await charging;
      const { workflows } = at.runtime.store;
      if (!workflows) throw new Error('This store keeps no workflows.');
      await steerWorkflow(
        at.runtime,
        workflows,
        steps,
        { namespace: NAMESPACE, root: root.token },
        { verb: 'cancel', actor: 'ann', reason: 'changed her mind' },
      );
      expect(at.waiting).toEqual([]);
      go();
      expect(await running).toBe('completed');
      await at.drain();
      expect(effects).toEqual(['test.reserve', 'test.charge', 'test.refund', 'test.release']);
    });

    test.for([2, 10, 25])(
      'a group of %i that finishes at one instant starts the join once',
      async (size) => {
        const { workflow, steps, effects } = fanOut(size);
        const at = stage(await open(), steps);
        const root = at.begin(workflow.task({}));
        await at.deliver(at.waiting.shift() ?? root);
        Object.assign(at.calls, { commits: 0, writes: 0, reads: 0 });
        const members = at.waiting.splice(0);
        expect(members).toHaveLength(size);
        await Promise.all(members.map((task) => at.deliver(task)));
        // Each member claims, and records with its own field; whoever sees the group settled moves on.
        const settling = at.calls.commits - size;
        expect(settling).toBeLessThanOrEqual(2 * size);
        expect(at.waiting.map(({ action }) => action)).toEqual(['test.join']);
        await at.drain();
        expect(effects.filter((effect) => effect === 'join')).toHaveLength(1);
        expect((await at.workflow(root.token))?.status).toBe('completed');
      },
    );

    largeResults(open);
    refusals(open);
    turningBack(open);
    lifeOfWorkflows(open);

    test('results of 5 × 300 KiB are recorded and reach the step after them', async () => {
      const { workflow, steps } = fanOut(5, 300 * 1024);
      const at = stage(await open(), steps);
      const root = at.begin(workflow.task({}));
      await at.drain(5);
      const record = await at.workflow(root.token);
      expect(record?.status).toBe('completed');
      expect(record?.members['join']?.result).toEqual({
        kind: 'inline',
        text: JSON.stringify(Array.from({ length: 5 }, () => 300 * 1024)),
      });
    });
  });
}
