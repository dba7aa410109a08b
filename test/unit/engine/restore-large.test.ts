import { expect, test } from 'vitest';
import { erasePurged } from '../../../functions/src/engine/cold-erase.ts';
import { restoreOperation } from '../../../functions/src/engine/restore.ts';
import type { Token } from '../../../functions/src/token/token.ts';
import { archiveWorld, BY, SHOP } from '../../support/archive-world.ts';
import type { ArchiveWorld } from '../../support/archive-world.ts';

const DAY_MS = 86_400_000;
const LARGE = 'ü'.repeat(400_000);

async function archived(): Promise<{ world: ArchiveWorld; token: Token }> {
  const world = archiveWorld();
  const [token] = (await world.completed(1, () => LARGE)) as [Token];
  world.expire();
  await world.archive();
  return { world, token };
}

/** The archive bucket's rule: what has lain there for longer is deleted. */
async function deleteOlderThan({ cold, clock }: ArchiveWorld, days: number): Promise<void> {
  for await (const { name, storedAt } of cold.list('')) {
    if (clock.now() - storedAt > days * DAY_MS) await cold.delete(name);
  }
}

test('a restored operation with a large result needs nothing of the archive any more', async () => {
  const { world, token } = await archived();
  expect((await restoreOperation(world.runtime, SHOP, token, BY)).kind).toBe('restored');
  await world.store.override(SHOP, token, { override: { verb: 'hold' }, ...BY });
  world.clock.advance(400 * DAY_MS);
  await deleteOlderThan(world, 300);
  expect(world.objects.size).toBe(0);
  expect(await world.answer(token)).toBe(LARGE);
});

test('archived again, its large result is as young in the archive as its record', async () => {
  const { world, token } = await archived();
  world.clock.advance(80 * DAY_MS);
  await restoreOperation(world.runtime, SHOP, token, BY);
  world.expire();
  expect(await world.archive()).toMatchObject({ moved: 1, blobs: 1 });
  expect(world.hotBlobs.names()).toEqual([]);
  world.clock.advance(80 * DAY_MS);
  await deleteOlderThan(world, 100);
  expect(await world.answer(token)).toBe(LARGE);
});

test('so does one that is held while it is being archived', async () => {
  const world = archiveWorld();
  const [token] = (await world.completed(1, () => LARGE)) as [Token];
  world.expire();
  const store = {
    ...world.store,
    async archive(...asked: Parameters<typeof world.store.archive>) {
      await world.store.override(SHOP, token, { override: { verb: 'hold' }, ...BY });
      return world.store.archive(...asked);
    },
  };
  const report = await world.archive({ ...world.runtime, store });
  expect(report).toMatchObject({ moved: 0, kept: { touched: 1 } });
  world.clock.advance(400 * DAY_MS);
  await deleteOlderThan(world, 300);
  expect(await world.answer(token)).toBe(LARGE);
});

test('purging it erases every copy of its large result, in the archive too', async () => {
  const { world, token } = await archived();
  await restoreOperation(world.runtime, SHOP, token, BY);
  await world.store.override(SHOP, token, { override: { verb: 'purge' }, ...BY });
  await erasePurged(world.runtime, await world.record(token));
  expect(world.hotBlobs.names()).toEqual([]);
  expect([...world.objects.keys()].filter((name) => name.startsWith('blobs/'))).toEqual([]);
});

test('is not restored where its large result is gone', async () => {
  const { world, token } = await archived();
  for (const name of [...world.objects.keys()].filter((each) => each.startsWith('blobs/'))) {
    await world.cold.delete(name);
  }
  await expect(restoreOperation(world.runtime, SHOP, token, BY)).rejects.toMatchObject({
    name: 'PayloadGone',
  });
  expect(await world.record(token)).toMatchObject({ status: 'archived' });
});
