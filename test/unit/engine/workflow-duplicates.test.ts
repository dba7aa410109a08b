import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineWorkflow, registerSteps, undoWith } from '../../../functions/src/index.ts';
import { noting, workflowScene } from '../../support/workflow-scene.ts';

/** Four steps in line, all but the last undoable; the last is declined if `declined` says so. */
function line(ran: string[], declined = false) {
  const empty = { params: () => ({}) };
  const undoable = (letter: string) => ({
    ...empty,
    compensate: undoWith(noting(ran, `test.un${letter}`), () => ({})),
  });
  const workflow = defineWorkflow({ name: 'test.line', version: 1, input: z.object({}) })
    .step('a', noting(ran, 'test.a'), undoable('a'))
    .step('b', noting(ran, 'test.b'), empty)
    .step('c', noting(ran, 'test.c'), undoable('c'))
    .step('d', noting(ran, 'test.d', { declined: () => declined }), empty)
    .build();
  return { workflow, steps: registerSteps([], [workflow]) };
}

describe('while a workflow runs, the duplicate of a step', () => {
  test('that the workflow is beyond publishes nothing', async () => {
    const { workflow, steps } = line([]);
    const at = workflowScene(steps);
    await at.begin(workflow);
    await at.drain('test.c');
    const before = at.published();
    for (let time = 0; time < 3; time += 1) {
      expect(await at.deliverAgain(at.task('test.a'))).toBe('replayed');
    }
    expect(at.published()).toEqual(before);
  });

  test('that the open one follows publishes that one again: it may have been lost', async () => {
    const ran: string[] = [];
    const { workflow, steps } = line(ran);
    const at = workflowScene(steps);
    await at.begin(workflow);
    await at.drain('test.c');
    at.lose();
    await at.deliverAgain(at.task('test.b'));
    await at.drain();
    expect(ran).toEqual(['test.a', 'test.b', 'test.c', 'test.d']);
  });

  test('publishes nothing where the one that follows is on record already', async () => {
    const { workflow, steps } = line([]);
    const at = workflowScene(steps);
    await at.begin(workflow);
    await at.drain('test.c');
    await at.dieAfterStart(at.task('test.c'));
    const before = at.published();
    await at.deliverAgain(at.task('test.b'));
    expect(at.published()).toEqual(before);
  });
});

describe('while a workflow is taken back, the duplicate of a step', () => {
  test('that did not turn it back publishes nothing', async () => {
    const { workflow, steps } = line([], true);
    const at = workflowScene(steps);
    await at.begin(workflow);
    await at.drain('test.unc');
    const before = at.published();
    for (const action of ['test.a', 'test.b', 'test.c']) {
      expect(await at.deliverAgain(at.task(action))).toBe('replayed');
    }
    expect(at.published()).toEqual(before);
  });

  test('that turned it back publishes the first compensation again', async () => {
    const ran: string[] = [];
    const { workflow, steps } = line(ran, true);
    const at = workflowScene(steps);
    const root = await at.begin(workflow);
    await at.drain('test.unc');
    at.lose();
    await at.deliverAgain(at.task('test.d'));
    await at.drain();
    expect(ran).toEqual(['test.a', 'test.b', 'test.c', 'test.unc', 'test.una']);
    expect((await at.workflow(root)).status).toBe('compensated');
  });

  test('that was taken back last publishes the next compensation again, and no other does', async () => {
    const ran: string[] = [];
    const { workflow, steps } = line(ran, true);
    const at = workflowScene(steps);
    const root = await at.begin(workflow);
    await at.drain('test.una');
    at.lose();
    const before = at.published();
    for (const action of ['test.a', 'test.b', 'test.c', 'test.d']) {
      await at.deliverAgain(at.task(action));
    }
    expect(at.published()).toEqual(before);
    await at.deliverAgain(at.task('test.unc'));
    await at.drain();
    expect(ran).toEqual(['test.a', 'test.b', 'test.c', 'test.unc', 'test.una']);
    expect((await at.workflow(root)).status).toBe('compensated');
  });
});
