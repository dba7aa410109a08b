import { expect, test } from 'vitest';
import { z } from 'zod';
import { embeddedQueue } from '../../../functions/src/adapters/embedded/queue.ts';
import { embeddedStore } from '../../../functions/src/adapters/embedded/store.ts';
import { archiveShard } from '../../../functions/src/engine/archive-shard.ts';
import { runTask } from '../../../functions/src/engine/run-task.ts';
import { taskFromText } from '../../../functions/src/engine/tasks.ts';
import { warmCache } from '../../../functions/src/engine/warm-cache.ts';
import {
  defineStep,
  defineWorkflow,
  makeTask,
  NotDone,
  registerSteps,
  undoWith,
} from '../../../functions/src/index.ts';
import type { Namespace } from '../../../functions/src/index.ts';
import { memoryCold } from '../../support/cold-memory.ts';
import { engineRuntime } from '../../support/engine-runtime.ts';
import { settableClock } from '../../support/settable-clock.ts';

const SHOP = 'shop' as Namespace;
/** Larger than what a workflow keeps of a step's result itself. */
const LONG = 'x'.repeat(20_000);
const BRIEF = { name: 'brief', ttlMs: 1_000, capMs: 1_000, forgetMs: 90 * 86_400_000 };

/** A workflow of three steps whose first one's result, in its operation only, the others are made from. */
function course() {
  const effects: string[] = [];
  const retention = BRIEF;
  const read = defineStep({
    action: 'files.read',
    effect: 'pure',
    retention,
    params: z.object({}),
    run: () => ({ text: LONG, pages: 7 }),
  });
  const note = defineStep({
    action: 'files.note',
    effect: 'pure',
    retention,
    params: z.object({ pages: z.number() }),
    run({ params: { pages } }) {
      effects.push(`note ${pages}`);
      return pages;
    },
  });
  const print = defineStep({
    action: 'files.print',
    effect: 'pure',
    retention,
    params: z.object({ pages: z.number() }),
    run({ params: { pages } }) {
      effects.push(`print ${pages}`);
      throw new NotDone('no_paper', 'No paper.', { final: true });
    },
  });
  const forget = defineStep({
    action: 'files.forget',
    effect: 'pure',
    retention,
    params: z.object({ pages: z.number(), length: z.number() }),
    run({ params: { pages, length } }) {
      effects.push(`forget ${pages} of ${length}`);
    },
  });
  const workflow = defineWorkflow({ name: 'files.course', version: 1, input: z.object({}) })
    .step('read', read, {
      params: () => ({}),
      compensate: undoWith(forget, ({ result }) => ({
        pages: result.pages,
        length: result.text.length,
      })),
    })
    .step('note', note, { params: () => ({ pages: 1 }) })
    .step('print', print, { params: ({ results }) => ({ pages: results.read.pages }) })
    .build();
  return { effects, workflow, steps: registerSteps([], [workflow]) };
}

test('a workflow goes on, and back, from results that were archived under way', async () => {
  const { effects, workflow, steps } = course();
  const clock = settableClock();
  const store = embeddedStore(':memory:', clock, { shards: 1 });
  const queue = embeddedQueue(':memory:', clock);
  const storage = memoryCold(() => clock.now());
  const instance = () =>
    engineRuntime(store, { clock, cold: storage.cold, cache: warmCache(clock), publisher: queue });
  const origin = { namespace: SHOP, agent: 'tests', key: 'course' };
  const task = makeTask(workflow.task({}), origin, clock.now());
  await queue.publish([task]);
  let archived = 0;
  for (let message = queue.pull(1_000); message; message = queue.pull(1_000)) {
    const delivery = {
      task: taskFromText(Buffer.from(message.data).toString()),
      namespace: SHOP,
      messageId: message.id,
      redelivery: false,
    };
    await runTask(instance(), steps, delivery);
    queue.acknowledge(message.id);
    clock.advance(2_000);
    const options = { shard: 0, until: clock.now(), budgetMs: Infinity };
    archived += (await archiveShard(instance(), storage.cold, options)).moved;
  }
  expect(effects).toEqual(['note 1', 'print 7', `forget 7 of ${LONG.length}`]);
  expect(archived).toBeGreaterThanOrEqual(3);
  const { found } = await store.workflows!.get(SHOP, task.root);
  expect(found?.record.status).toBe('compensated');
  expect(storage.takeReads().length).toBeGreaterThan(0);
});
