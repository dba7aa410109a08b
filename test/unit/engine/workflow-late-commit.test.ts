import { expect, test } from 'vitest';
import { z } from 'zod';
import {
  defineStep,
  defineWorkflow,
  makeTask,
  registerSteps,
} from '../../../functions/src/index.ts';
import type { Namespace } from '../../../functions/src/index.ts';
import { StoreAway } from '../../../functions/src/operation/errors.ts';
import type { DocumentWrite } from '../../../functions/src/ports/workflow-documents.ts';
import { createTokenStore } from '../../../functions/src/store/token-store.ts';
import {
  aDelivery,
  aRuntime,
  memoryPublisher,
  runTask,
  settableClock,
} from '../../../functions/src/testing/index.ts';
import { memoryDocuments } from '../../../functions/src/testing/memory-documents.ts';

const NAMESPACE = 'test' as Namespace;

/** The commit that ends the step: its answer is lost, and it is applied only right before the next. */
function lateFrom(nth: number, clock: ReturnType<typeof settableClock>) {
  const documents = memoryDocuments(() => clock.now());
  let commits = 0;
  let late: readonly DocumentWrite[] | undefined;
  return {
    ...documents,
    async commit(writes: readonly DocumentWrite[]) {
      commits += 1;
      if (commits === nth) {
        late = writes;
        await clock.advance(5_000);
        throw new StoreAway('No answer.');
      }
      if (late) await documents.commit(late);
      late = undefined;
      return documents.commit(writes);
    },
  };
}

test.for([
  { step: 'the start', nth: 1 },
  { step: 'a step', nth: 2 },
])('what $step publishes is what stands, though its commit is answered late', async ({ nth }) => {
  const clock = settableClock();
  const publisher = memoryPublisher();
  const store = createTokenStore(lateFrom(nth, clock));
  const runtime = aRuntime({ clock, store, publisher });
  const step = (action: string) =>
    defineStep({ action, effect: 'pure', params: z.object({}), run: () => 1 });
  const workflow = defineWorkflow({ name: 'test.late', version: 1, input: z.object({}) })
    .step('first', step('test.first'), { params: () => ({}), deadlineMs: 60_000 })
    .step('second', step('test.second'), { params: () => ({}), deadlineMs: 60_000 })
    .build();
  const steps = registerSteps([], [workflow]);
  const origin = { namespace: NAMESPACE, agent: 'tester', key: 'one' };
  const root = makeTask(workflow.task({}), origin, clock.now());
  await runTask(runtime, steps, aDelivery(root));
  if (nth === 2) {
    const [first] = publisher.published;
    if (!first) throw new Error('The first step was not published.');
    await runTask(runtime, steps, aDelivery(first));
  }
  const record = (await store.workflows?.get(NAMESPACE, root.token))?.found?.record;
  const task = publisher.published.at(-1);
  const member = record?.members[nth === 1 ? 'first' : 'second'];
  expect(member?.state).toBe('published');
  expect(task?.token).toBe(member?.token);
  expect(task?.deadlineAt).toBe(member?.deadlineAt);
});
