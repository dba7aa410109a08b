import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { embeddedQueue } from '../../../functions/src/adapters/embedded/queue.ts';
import { embeddedStore } from '../../../functions/src/adapters/embedded/store.ts';
import { systemClock } from '../../../functions/src/adapters/system/clock.ts';
import { defineStep, defineWorkflow, NotDone, undoWith } from '../../../functions/src/index.ts';
import { makeTask, registerSteps } from '../../../functions/src/index.ts';
import type { Namespace } from '../../../functions/src/index.ts';
import { runTask } from '../../../functions/src/engine/run-task.ts';
import { taskFromText } from '../../../functions/src/engine/tasks.ts';
import { engineRuntime } from '../../support/engine-runtime.ts';

const NAMESPACE = 'demo' as Namespace;

/** Three stages (the second a group) whose effects are noted in order; the last refuses 99. */
function counted() {
  const effects: string[] = [];
  const double = defineStep({
    action: 'math.double',
    effect: 'pure',
    params: z.object({ x: z.number() }),
    run({ params: { x } }) {
      effects.push(`double ${x}`);
      return { doubled: x * 2 };
    },
  });
  const print = defineStep({
    action: 'math.print',
    effect: 'pure',
    params: z.object({ y: z.number() }),
    run({ params: { y } }) {
      if (y === 99) throw new NotDone('too_much', '99 is too much', { final: true });
      effects.push(`print ${y}`);
      return String(y);
    },
  });
  const forget = defineStep({
    action: 'math.forget',
    effect: 'pure',
    params: z.object({ z: z.number() }),
    run({ params }) {
      effects.push(`forget ${params.z}`);
    },
  });
  const workflow = defineWorkflow({
    name: 'math.course',
    version: 1,
    input: z.object({ n: z.number(), last: z.number() }),
  })
    .step('first', double, {
      params: ({ input }) => ({ x: input.n }),
      compensate: undoWith(forget, ({ result }) => ({ z: result.doubled })),
    })
    .together((member) => ({
      left: member(print, { params: ({ results }) => ({ y: results.first.doubled }) }),
      right: member(double, {
        params: ({ results }) => ({ x: results.first.doubled }),
        compensate: undoWith(forget, ({ result }) => ({ z: result.doubled })),
      }),
    }))
    .step('last', print, { params: ({ input }) => ({ y: input.last }) })
    .build();
  return { effects, workflow, steps: registerSteps([], [workflow]) };
}

async function runAll(last: number, copies: number) {
  const { effects, workflow, steps } = counted();
  const queue = embeddedQueue(':memory:', systemClock);
  const store = embeddedStore(':memory:', systemClock);
  const runtime = engineRuntime(store, { publisher: queue });
  const task = makeTask(
    workflow.task({ n: 5, last }),
    { namespace: NAMESPACE, agent: 'tester' },
    Date.now(),
  );
  await queue.publish(Array.from({ length: copies }, () => task));
  const outcomes: string[] = [];
  for (let message = queue.pull(10_000); message; message = queue.pull(10_000)) {
    const outcome = await runTask(runtime, steps, {
      task: taskFromText(Buffer.from(message.data).toString()),
      namespace: NAMESPACE,
      messageId: message.id,
      redelivery: false,
    });
    outcomes.push(outcome.kind);
    queue.acknowledge(message.id);
  }
  const { found } = (await store.workflows?.get(NAMESPACE, task.root)) ?? {};
  return { effects, outcomes, record: found?.record };
}

describe('a workflow', () => {
  test('runs its stages in order, each step once, though all is published twice', async () => {
    const { effects, record } = await runAll(1, 2);
    expect(record?.status).toBe('completed');
    expect(effects.toSorted()).toEqual(['double 10', 'double 5', 'print 1', 'print 10']);
    expect(effects[0]).toBe('double 5');
    expect(effects.at(-1)).toBe('print 1');
  });

  test('takes completed steps back, last first, when a later one fails for good', async () => {
    const { effects, record } = await runAll(99, 1);
    expect(record?.status).toBe('compensated');
    expect(record?.cause?.code).toBe('too_much');
    expect(effects.slice(-2)).toEqual(['forget 20', 'forget 10']);
    expect(record?.members['left']?.state).toBe('completed');
    expect(record?.members['right']?.state).toBe('undone');
  });
});
