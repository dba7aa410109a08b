import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineWorkflow, registerSteps, undoWith } from '../../../functions/src/index.ts';
import { StoreAway } from '../../../functions/src/operation/errors.ts';
import type { WorkflowDocuments } from '../../../functions/src/ports/workflow-documents.ts';
import { noting, states, workflowScene } from '../../support/workflow-scene.ts';

/** How the next writes of workflows alone are answered, though they stand. */
const LOST = {
  /** A client that repeats a commit whose answer it lost meets its own write. */
  refused: async () => ({ kind: 'refused' }) as const,
  away: async () => {
    throw new StoreAway('No answer.');
  },
};
type Lost = keyof typeof LOST;

function losingAnswers() {
  const lost: Lost[] = [];
  return {
    lost,
    wrap: <Documents extends WorkflowDocuments>(documents: Documents): Documents => ({
      ...documents,
      async commit(writes) {
        const answer = await documents.commit(writes);
        const isAlone = writes.length === 1 && answer.kind === 'written';
        const how = isAlone ? lost.shift() : undefined;
        return how ? LOST[how]() : answer;
      },
    }),
  };
}

/** A compensation that fails for good, as long as `declined` says so. */
function parking(ran: string[], declined: () => boolean) {
  const workflow = defineWorkflow({ name: 'test.saga', version: 1, input: z.object({}) })
    .step('charge', noting(ran, 'test.charge'), {
      params: () => ({}),
      compensate: undoWith(noting(ran, 'test.refund', { declined }), () => ({})),
    })
    .step('ship', noting(ran, 'test.ship', { declined: () => true }), { params: () => ({}) })
    .build();
  return { workflow, steps: registerSteps([], [workflow]) };
}

async function parkedSaga() {
  const ran: string[] = [];
  const deployment = { declined: true };
  const { workflow, steps } = parking(ran, () => deployment.declined);
  const { lost, wrap } = losingAnswers();
  const at = workflowScene(steps, { wrap });
  const root = await at.begin(workflow);
  await at.drain();
  expect((await at.workflow(root)).status).toBe('parked');
  return { ran, at, root, lost, deployment };
}

describe.for([
  { how: 'refused' as const, title: 'is answered as refused' },
  { how: 'away' as const, title: 'is never answered' },
])('a decision whose write stands, and $title', ({ how }) => {
  /** As a person would: asked again where nobody can tell whether it is done. */
  async function decided(
    at: Awaited<ReturnType<typeof parkedSaga>>['at'],
    ...[root, steering]: Parameters<typeof at.steer>
  ) {
    const first = await at.steer(root, steering).catch(() => undefined);
    expect(first === undefined).toBe(how === 'away');
    return first ?? at.steer(root, steering);
  }

  test('counts as made: retry', async () => {
    const { ran, at, root, lost, deployment } = await parkedSaga();
    deployment.declined = false;
    lost.push(how);
    expect((await decided(at, root, { verb: 'retry' })).kind).toBe('steered');
    expect(await at.drain()).toEqual(['test.refund completed']);
    expect(ran).toEqual(['test.charge', 'test.refund']);
    expect((await at.workflow(root)).status).toBe('compensated');
  });

  test('counts as made: skip', async () => {
    const { at, root, lost } = await parkedSaga();
    lost.push(how);
    expect((await decided(at, root, { verb: 'skip', member: 'charge' })).kind).toBe('steered');
    const record = await at.workflow(root);
    expect(record.status).toBe('compensated');
    expect(states(record)['charge']).toBe('skipped');
  });

  test('counts as made: cancel', async () => {
    const ran: string[] = [];
    const { workflow, steps } = parking(ran, () => false);
    const { lost, wrap } = losingAnswers();
    const at = workflowScene(steps, { wrap });
    const root = await at.begin(workflow);
    await at.drain('test.ship');
    lost.push(how);
    expect((await decided(at, root, { verb: 'cancel' })).kind).toBe('steered');
    await at.drain();
    expect(ran).toEqual(['test.charge', 'test.refund']);
    expect((await at.steer(root, { verb: 'cancel' })).kind).toBe('steered');
  });
});

test('a decision that another has made before is refused', async () => {
  const { at, root, deployment } = await parkedSaga();
  deployment.declined = false;
  await at.steer(root, { verb: 'retry' });
  const other = { actor: 'bob', reason: 'looked at it' };
  expect((await at.steer(root, { verb: 'retry' }, other)).kind).toBe('refused');
  expect((await at.steer(root, { verb: 'cancel' }, other)).kind).toBe('refused');
  expect((await at.steer(root, { verb: 'skip', member: 'charge' }, other)).kind).toBe('refused');
});

test('a move whose write stands, and is answered as refused, is followed at once', async () => {
  const ran: string[] = [];
  const side = noting(ran, 'test.side');
  const workflow = defineWorkflow({ name: 'test.group', version: 1, input: z.object({}) })
    .together((member) => ({
      left: member(side, { params: () => ({}) }),
      right: member(side, { params: () => ({}) }),
    }))
    .step('join', noting(ran, 'test.join'), { params: () => ({}) })
    .build();
  const { lost, wrap } = losingAnswers();
  const at = workflowScene(registerSteps([], [workflow]), { wrap });
  const root = await at.begin(workflow);
  lost.push('refused');
  expect(await at.drain()).toEqual([
    'test.side completed',
    'test.side completed',
    'test.join completed',
  ]);
  expect(lost).toEqual([]);
  expect(at.published()).toEqual(['test.side', 'test.side', 'test.join']);
  expect((await at.workflow(root)).status).toBe('completed');
});
