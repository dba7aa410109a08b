import { expect, test } from 'vitest';
import { z } from 'zod';
import { erasePurged } from '../../../functions/src/engine/cold-erase.ts';
import { purgeArchived } from '../../../functions/src/engine/cold-purge.ts';
import { completeClaim } from '../../../functions/src/engine/conclude-claim.ts';
import { packValue } from '../../../functions/src/engine/payload.ts';
import { recordOperation } from '../../../functions/src/engine/record-operation.ts';
import type { Runtime } from '../../../functions/src/engine/runtime.ts';
import { sweep } from '../../../functions/src/engine/sweep.ts';
import { defineStep, registerSteps } from '../../../functions/src/index.ts';
import { StoreAway } from '../../../functions/src/operation/errors.ts';
import type { Claim } from '../../../functions/src/ports/token-store.ts';
import { runTask } from '../../../functions/src/testing/index.ts';
import { documentId, keyToken } from '../../../functions/src/token/token.ts';
import type { Token } from '../../../functions/src/token/token.ts';
import { archiveWorld, BY, LIFE, SHOP } from '../../support/archive-world.ts';
import type { ArchiveWorld } from '../../support/archive-world.ts';
import { deliver } from '../../support/engine-runtime.ts';
import { claimRequest } from '../../support/operation-records.ts';

const LARGE = 'x'.repeat(400_000);
const HOURS = 3_600_000;

const TOKEN = keyToken(SHOP, 'spilled');

function asked({ clock }: ArchiveWorld, claimId: string, token: Token = TOKEN) {
  const madeAt = Math.floor(clock.now());
  const facts = { token, root: token, madeAt, retention: LIFE, effect: 'pure' } as const;
  return claimRequest(facts, { claimId });
}

async function won(world: ArchiveWorld, claimId: string): Promise<Claim> {
  const answer = await world.store.claim(asked(world, claimId));
  if (answer.kind !== 'claimed') throw new Error(`Not claimed: ${answer.kind}`);
  return answer.claim;
}

function conclude(runtime: Runtime, claim: Claim, result: unknown) {
  return completeClaim(runtime, { claim, action: 'a', retention: 'workflow' }, result);
}

test.each(['another', 'an equal'])(
  'a late holder’s result goes, also before its successor records %s one',
  async (which) => {
    const world = archiveWorld();
    const late = await won(world, 'late');
    world.clock.advance(HOURS);
    const successor = await won(world, 'successor');
    const losing = which === 'an equal' ? LARGE : `${LARGE}, late`;
    expect((await conclude(world.runtime, late, losing)).kind).toBe('lost');
    expect(world.hotBlobs.names()).toEqual([]);
    expect((await conclude(world.runtime, successor, LARGE)).kind).toBe('completed');
    expect((await conclude(world.runtime, late, losing)).kind).toBe('lost');
    expect(world.hotBlobs.names()).toHaveLength(1);
    expect(await world.answer(TOKEN)).toBe(LARGE);
  },
);

test('a late holder’s result goes alone, also where its successor has an equal one in hand', async () => {
  const world = archiveWorld();
  const late = await won(world, 'late');
  world.clock.advance(HOURS);
  const successor = await won(world, 'successor');
  const result = await packValue(LARGE, world.hotBlobs.blobs, successor);
  expect((await conclude(world.runtime, late, LARGE)).kind).toBe('lost');
  expect((await world.store.complete(successor, { result })).kind).toBe('settled');
  expect(await world.answer(TOKEN)).toBe(LARGE);
});

test('a result whose recording had no answer stays, and so it does when it is sent again', async () => {
  const world = archiveWorld();
  const claim = await won(world, 'mine');
  let lost = 0;
  const unheard = world.runtimeOf({
    documents: (real) => ({
      ...real,
      async update(...write) {
        await real.update(...write);
        lost += 1;
        throw new StoreAway('no answer');
      },
    }),
  });
  expect((await conclude(unheard, claim, LARGE)).kind).toBe('completed');
  expect((await conclude(world.runtime, claim, LARGE)).kind).toBe('completed');
  expect(lost).toBe(1);
  expect(await world.answer(TOKEN)).toBe(LARGE);
});

test.each(['record', 'complete'] as const)(
  'a large result sent again leaves nothing behind, archived or purged: by %s',
  async (how) => {
    const world = archiveWorld();
    const request = asked(world, 'first');
    const claim = how === 'complete' ? await won(world, 'first') : undefined;
    const send = () =>
      claim
        ? conclude(world.runtimeOf(), claim, LARGE)
        : recordOperation(world.runtimeOf(), request, { result: LARGE });
    await send();
    expect(world.hotBlobs.names()).toHaveLength(1);
    world.expire();
    await world.archive();
    await send();
    expect(world.hotBlobs.names()).toEqual([]);
    expect(await world.answer(TOKEN)).toBe(LARGE);

    world.clock.advance(2 * HOURS);
    const purge = () =>
      purgeArchived(world.runtime, world.cold, { namespace: SHOP, token: TOKEN, ...BY });
    expect((await purge()).kind).toBe('purged');
    await send();
    expect(world.hotBlobs.names()).toEqual([]);

    await world.hotBlobs.blobs.put(`${documentId(SHOP, TOKEN)}/of-a-crash`, Buffer.from('secret'));
    expect((await purge()).kind).toBe('purged');
    expect(world.hotBlobs.names()).toEqual([]);
  },
);

test('the first outcome that is recorded keeps its result, whoever else records an equal one', async () => {
  const world = archiveWorld();
  const request = asked(world, '-');
  expect((await recordOperation(world.runtimeOf(), request, { result: LARGE })).kind).toBe(
    'recorded',
  );
  expect((await recordOperation(world.runtimeOf(), request, { result: LARGE })).kind).toBe('equal');
  const other = await recordOperation(world.runtimeOf(), request, { result: `${LARGE}2` });
  expect(other.kind).toBe('other');
  expect(world.hotBlobs.names()).toHaveLength(1);
  expect(await world.answer(TOKEN)).toBe(LARGE);
});

/** A step with large params and a large follow-up, which fails as often as it is told to. */
function large(world: ArchiveWorld) {
  let failures = 0;
  let during = async () => {};
  const tell = defineStep({
    action: 'shop.tell',
    effect: 'pure',
    params: z.object({ text: z.string() }),
    run: () => 'told',
  });
  const order = defineStep({
    action: 'shop.order',
    effect: 'pure',
    params: z.object({ text: z.string() }),
    async run() {
      await during();
      failures -= 1;
      if (failures >= 0) throw new Error('not yet');
      return 'ordered';
    },
    next: () => [tell.task({ text: LARGE })],
  });
  const delivery = deliver(order.task({ text: LARGE }), world.clock.now());
  return {
    token: delivery.task.token,
    deliver: (runtime: Runtime = world.runtime) =>
      runTask(runtime, registerSteps([order, tell]), { ...delivery, redelivery: true }),
    fail: (times: number) => (failures = times),
    during: (work: () => Promise<void>) => (during = work),
  };
}

test('a large task and large follow-ups go once the operation is done and they are published', async () => {
  const world = archiveWorld();
  const { deliver: delivered, fail, during, token } = large(world);
  fail(1);
  expect((await delivered()).kind).toBe('retryable_error');
  expect(world.hotBlobs.names()).toEqual([
    expect.stringMatching(`^${documentId(SHOP, token)}/task/`),
  ]);
  world.clock.advance(HOURS);
  during(async () => expect(world.hotBlobs.names()).toHaveLength(1));
  expect((await delivered()).kind).toBe('completed');
  expect(world.hotBlobs.names()).toEqual([]);
  expect((await delivered(world.runtimeOf())).kind).toBe('replayed');
  expect(world.hotBlobs.names()).toEqual([]);
});

test('a large task that does not belong to its token goes, and the one that does stays', async () => {
  const world = archiveWorld();
  const failing = defineStep({
    action: 'shop.order',
    effect: 'pure',
    params: z.object({ text: z.string() }),
    run: () => Promise.reject(new Error('not yet')),
  });
  const run = (text: string) =>
    runTask(
      world.runtime,
      registerSteps([failing]),
      deliver(failing.task({ text }), world.clock.now()),
    );
  expect((await run(LARGE)).kind).toBe('retryable_error');
  const names = world.hotBlobs.names();
  expect(names).toHaveLength(1);
  expect((await run(`${LARGE}, another`)).kind).toBe('mismatch');
  expect(world.hotBlobs.names()).toEqual(names);
});

test('large follow-ups stay until they are published, and go with what publishes them', async () => {
  const world = archiveWorld();
  const { deliver: delivered, token } = large(world);
  const publisher = { ...world.runtime.publisher, publish: () => Promise.reject(new Error('503')) };
  expect((await delivered({ ...world.runtime, publisher })).kind).toBe('retryable_error');
  expect(world.hotBlobs.names().some((name) => !name.includes('/task/'))).toBe(true);
  const namespace = SHOP;
  expect(await sweep(world.runtime, { shard: 0, namespace })).toMatchObject({ published: 1 });
  const published = (world.runtime as Runtime & { published: unknown[] }).published;
  expect(published).toMatchObject([{ action: 'shop.tell', params: { text: LARGE } }]);
  expect(world.hotBlobs.names().filter((name) => !name.includes('/task/'))).toEqual([]);
  expect(await world.record(token)).toMatchObject({ status: 'completed', sent: true });
  expect((await delivered(world.runtimeOf())).kind).toBe('replayed');
  expect(world.hotBlobs.names()).toEqual([]);
});

test('what a crash left is no trouble to whoever read the record before it went on', async () => {
  const world = archiveWorld();
  const { deliver: delivered } = large(world);
  const publisher = { ...world.runtime.publisher, publish: () => Promise.reject(new Error('503')) };
  await delivered({ ...world.runtime, publisher });
  const page = await world.store.due(0, { limit: 9 });
  expect(page.operations).toHaveLength(1);
  expect((await delivered(world.runtimeOf())).kind).toBe('replayed');
  const behind = { ...world.store, due: async () => page };
  expect(await sweep({ ...world.runtime, store: behind }, { shard: 0, namespace: SHOP })).toEqual({
    redriven: 0,
    published: 1,
    failed: 0,
  });
});

test('where nothing can be deleted the outcome is the same', async () => {
  const world = archiveWorld();
  const { deliver: delivered } = large(world);
  const refuse = () => Promise.reject(new Error('lacks storage.objects.delete'));
  const blobs = { ...world.runtime.blobs, delete: refuse, deleteUnder: refuse };
  expect((await delivered({ ...world.runtime, blobs })).kind).toBe('completed');
});

test('a purge erases all that is below the operation’s folder, and nothing of another', async () => {
  const world = archiveWorld();
  const [mine, other] = (await world.completed(2, () => LARGE)) as [Token, Token];
  const left = [mine, other].map((token) => `${documentId(SHOP, token)}/task/left-by-a-crash`);
  for (const name of left) await world.hotBlobs.blobs.put(name, Buffer.from('params'));
  const cold = { name: `blobs/${left[0]}`, bytes: Buffer.from('x'), schema: 's', operations: 1 };
  await world.cold.put(cold);
  await world.store.override(SHOP, mine, { override: { verb: 'purge' }, ...BY });
  await erasePurged(world.runtime, await world.record(mine));
  const folder = `${documentId(SHOP, other)}/`;
  expect(world.hotBlobs.names().map((name) => name.startsWith(folder))).toEqual([true, true]);
  expect(world.objects.size).toBe(0);
  expect(await world.answer(other)).toBe(LARGE);
});

test('two operations with the same large result have a blob each', async () => {
  const { blobs, names } = archiveWorld().hotBlobs;
  for (const key of ['1', '2']) {
    await packValue(LARGE, blobs, { namespace: SHOP, token: keyToken(SHOP, key) });
  }
  expect(names()).toHaveLength(2);
});
