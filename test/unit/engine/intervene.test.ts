import { expect, test } from 'vitest';
import { z } from 'zod';
import { embeddedAuditLog } from '../../../functions/src/adapters/embedded/audit-log.ts';
import { intervene } from '../../../functions/src/engine/intervene.ts';
import { restoreOperation } from '../../../functions/src/engine/restore.ts';
import type { Runtime } from '../../../functions/src/engine/runtime.ts';
import { defineStep } from '../../../functions/src/index.ts';
import { StoreAway } from '../../../functions/src/operation/errors.ts';
import {
  aDelivery,
  aRuntime,
  aTask,
  memoryPublisher,
  registerSteps,
  runTask,
  settableClock,
} from '../../../functions/src/testing/index.ts';
import type { Namespace, Token } from '../../../functions/src/token/token.ts';
import { archiveWorld, BY, SHOP } from '../../support/archive-world.ts';
import type { ArchiveWorld } from '../../support/archive-world.ts';

const LARGE = 'ü'.repeat(400_000);

/** Of which nobody can say whether it was done. */
const charge = defineStep({
  action: 'pay.charge',
  effect: 'once',
  params: z.object({}),
  async run({ start }) {
    await start();
    throw new Error('socket hang up');
  },
});

/** An operation with a payload too large for its record, and the service with the rights that it has. */
async function large() {
  const world = archiveWorld();
  const [token] = (await world.completed(1, () => LARGE)) as [Token];
  const audit = embeddedAuditLog(':memory:');
  const forbidden = async () => {
    throw Object.assign(new Error('lacks storage.objects.delete'), { code: 403 });
  };
  const runtime: Runtime = { ...world.runtime, cold: { ...world.cold, delete: forbidden } };
  async function purge(changes: Partial<Runtime> = {}, fence?: number) {
    const seen = fence ?? (await world.record(token)).fence;
    const asked = { namespace: SHOP, token, override: { verb: 'purge' } as const, ...BY };
    const service = { runtime: { ...runtime, ...changes }, audit, tasksOf: SHOP };
    return intervene(service, { ...asked, fence: seen });
  }
  const phases = async () =>
    (await audit.read(SHOP, token, { limit: 9 })).entries.map(({ phase }) => phase);
  return { world, token, runtime, purge, phases };
}

async function archive({ expire, archive: move, clock }: ArchiveWorld): Promise<void> {
  expire();
  await move();
  clock.advance(2 * 3_600_000);
}

test('a purge erases the blob of a hot operation without the right to delete what is archived', async () => {
  const { world, purge } = await large();
  expect((await purge()).kind).toBe('done');
  expect(world.hotBlobs.names()).toEqual([]);
});

test('a purge whose blob could not be erased is finished by asking again, at either fence', async () => {
  for (const again of ['as it was', 'as it is'] as const) {
    const { world, token, runtime, purge } = await large();
    const { fence } = await world.record(token);
    const away = { ...runtime.blobs, deleteUnder: () => Promise.reject(new StoreAway('503')) };
    await expect(purge({ blobs: away })).rejects.toThrow(StoreAway);
    expect(world.hotBlobs.names()).toHaveLength(1);
    const answer = await purge({}, again === 'as it was' ? fence : undefined);
    expect(answer.kind).toBe(again === 'as it was' ? 'stale' : 'done');
    expect(world.hotBlobs.names()).toEqual([]);
  }
});

test('an archived payload is refused before anything is signed, with who can erase it', async () => {
  const { world, token, purge, phases } = await large();
  await archive(world);
  const before = await world.record(token);
  const answer = await purge();
  expect(answer).toMatchObject({
    kind: 'refused',
    why: expect.stringContaining(`purge ${token} --actor`),
  });
  expect(await world.record(token)).toEqual(before);
  expect(await world.answer(token)).toBe(LARGE);
  expect(await phases()).toEqual(['intended', 'refused']);
});

test('so is a restored operation’s, whose large payload still lies there', async () => {
  const { world, token, runtime, purge } = await large();
  await archive(world);
  await restoreOperation(runtime, SHOP, token, BY);
  const before = await world.record(token);
  expect(await purge()).toMatchObject({ kind: 'refused' });
  expect(await world.record(token)).toEqual(before);
  expect(await world.answer(token)).toBe(LARGE);
});

test('a task is published by the deployment whose queue it belongs to, and by no other', async () => {
  for (const [tasksOf, published] of [
    [SHOP, 1],
    ['bank' as Namespace, 0],
  ] as const) {
    const clock = settableClock();
    const publisher = memoryPublisher();
    const runtime = aRuntime({ clock, publisher });
    const task = aTask(charge, {}, { namespace: SHOP, madeAt: clock.now() });
    await runTask(runtime, registerSteps([charge]), aDelivery(task, { namespace: SHOP }));
    const asked = {
      namespace: SHOP,
      token: task.token,
      override: { verb: 'resolve_not_done' } as const,
    };
    const service = { runtime, audit: embeddedAuditLog(':memory:'), tasksOf };
    const answer = await intervene(service, { ...asked, ...BY });
    expect(answer).toMatchObject({ kind: 'done', published: published === 1 });
    expect(publisher.published).toHaveLength(published);
    const found = await runtime.store.get(SHOP, task.token);
    expect(found?.record).toMatchObject({ status: 'released', dueAt: expect.any(Number) });
  }
});
