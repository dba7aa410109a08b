import { expect, test } from 'vitest';
import { z } from 'zod';
import { erasePurged } from '../../../functions/src/engine/cold-erase.ts';
import { identifyOperation } from '../../../functions/src/engine/identify-operation.ts';
import { copiesOfHot, purgeHotCopies } from '../../../functions/src/engine/purge-hot-copies.ts';
import { recordOperation } from '../../../functions/src/engine/record-operation.ts';
import { defineStep, defineWorkflow, registerSteps } from '../../../functions/src/index.ts';
import { aDelivery, runTask } from '../../../functions/src/testing/index.ts';
import type { Token } from '../../../functions/src/index.ts';
import { archiveWorld, BY, LIFE, SHOP } from '../../support/archive-world.ts';
import type { ArchiveWorld } from '../../support/archive-world.ts';
import { workflowScene } from '../../support/workflow-scene.ts';

const LARGE = 'x'.repeat(400_000);
const HOUR_MS = 3_600_000;
const WINDOW_MS = 300_000;

/** As the command line does it. */
async function purge({ store, cold, runtime }: ArchiveWorld, token: Token) {
  const seen = await store.get(SHOP, token);
  if (!seen) throw new Error('There is nothing to purge.');
  const answer = await store.override(SHOP, token, { override: { verb: 'purge' }, ...BY });
  if (answer.kind !== 'overridden') throw new Error(`It was not purged: ${answer.kind}.`);
  await erasePurged(runtime, answer.found.record);
  const copies = copiesOfHot(seen, store.now());
  if (copies === 'maybe') await purgeHotCopies(runtime, cold, seen.record);
  return copies;
}

test('what is purged again while an archiver has it in hand leaves others of the batch their object', async () => {
  const world = archiveWorld();
  const { clock, complete } = world;
  const retention = { ...LIFE, ttlMs: 4 * HOUR_MS, capMs: 8 * HOUR_MS };
  const purged = await complete('large' as Token, LARGE, { retention });
  clock.advance(HOUR_MS);
  await purge(world, purged);
  clock.advance(2 * HOUR_MS);
  const others = await world.completed(2);
  clock.advance(1.5 * HOUR_MS);
  const found: string[] = [];
  const archiver = world.runtimeOf({
    cold: (real) => ({
      ...real,
      async put(object) {
        const answer = await real.put(object);
        if (object.name.startsWith('operations/')) found.push(await purge(world, purged));
        return answer;
      },
    }),
  });
  expect(await world.archive(archiver)).toMatchObject({ moved: 2 });
  expect(found).toEqual(['maybe']);
  expect(await Promise.all(others.map(world.answer))).toEqual([{ index: 0 }, { index: 1 }]);
});

test('purging the operation of one window takes nothing from its neighbour', async () => {
  const world = archiveWorld();
  const { clock, store } = world;
  const described = () =>
    identifyOperation({
      namespace: SHOP,
      action: 'shop.order',
      agent: 'shop',
      request: { params: {} },
      identity: { by: 'window', scope: 'cart-1' },
      madeAt: Math.floor(clock.now()),
      effect: 'pure',
      retention: 'workflow',
    });
  clock.advance(WINDOW_MS - (Math.floor(clock.now()) % WINDOW_MS) + 1_000);
  const first = described();
  await store.claim({ ...first, claimId: 'ends', leaseMs: 1, holder: 'a process that ends' });
  clock.advance(WINDOW_MS - 500);
  const outcome = { result: LARGE };
  expect(await recordOperation(world.runtimeOf(), described(), outcome)).toMatchObject({
    token: first.facts.token,
  });
  clock.advance(60_000);
  const { facts } = described();
  expect(facts.token).not.toBe(first.facts.token);
  await recordOperation(world.runtimeOf(), described(), { result: 'another order' });
  await purge(world, facts.token);
  expect(await world.answer(first.facts.token)).toBe(LARGE);
});

test('a delivery that came too late deletes no task that another is about to claim with', async () => {
  const pay = defineStep({
    action: 'test.pay',
    effect: 'once',
    params: z.object({ note: z.string() }),
    async run({ start }) {
      await start();
      throw new Error('socket hang up');
    },
  });
  const workflow = defineWorkflow({ name: 'test.order', version: 1, input: z.object({}) })
    .step('pay', pay, { params: () => ({ note: LARGE }) })
    .build();
  const steps = registerSteps([], [workflow]);
  const at = workflowScene(steps);
  await at.begin(workflow);
  const late = at.task('test.pay');
  at.lose();
  await at.clock.advance(400 * 24 * HOUR_MS);

  const claiming = Promise.withResolvers<void>();
  const mayClaim = Promise.withResolvers<void>();
  const another = {
    ...at.runtime,
    store: {
      ...at.runtime.store,
      async claim(...asked: Parameters<typeof at.runtime.store.claim>) {
        claiming.resolve();
        await mayClaim.promise;
        return at.runtime.store.claim(...asked);
      },
    },
  };
  let published: Promise<unknown> | undefined;
  const publisher: typeof at.runtime.publisher = {
    ...at.runtime.publisher,
    async publish(tasks) {
      const [task = late] = tasks;
      published = runTask(another, steps, aDelivery(task, { messageId: 'published again' }));
      await claiming.promise;
    },
  };
  const outcome = await runTask({ ...at.runtime, publisher }, steps, aDelivery(late));
  expect(outcome.kind).toBe('expired');
  mayClaim.resolve();
  expect(await published).toMatchObject({ kind: 'in_doubt' });
  const record = await at.operation(late.token);
  const task = record && 'task' in record ? record.task : undefined;
  expect(task).toMatchObject({ kind: 'blob' });
  expect(task?.kind === 'blob' && (await at.runtime.blobs.get(task.name))).toBeTruthy();
});
