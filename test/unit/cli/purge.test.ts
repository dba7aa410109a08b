import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { archiveShard } from '../../../functions/src/engine/archive-shard.ts';
import { documentId, shardOf } from '../../../functions/src/token/token.ts';
import type { Namespace } from '../../../functions/src/token/token.ts';
import { memoryCold } from '../../support/cold-memory.ts';
import { settableClock } from '../../support/settable-clock.ts';
import { deployment } from './deployment.ts';

const HOUR_MS = 3_600_000;
const SIGNED = ['--actor', 'ann', '--reason', 'audit 7'];
const AGAIN = 'Purge it again after an hour';

/** A parcel shipped, with what must be erased in its result. */
async function shipped() {
  const clock = settableClock();
  const coldMemory = memoryCold(() => clock.now());
  const all = deployment({ clock, cold: coldMemory.cold });
  all.behaviour.ship = () => 'SECRET';
  const token = await all.publish('shipping.ship', { orderId: 'order-1' });
  await all.work();
  const shard = shardOf(documentId('shop' as Namespace, token), 16);

  /** An archiver that dies with the copy written, and no stub. */
  async function crashedArchive(): Promise<void> {
    const store = { ...all.store, archive: () => Promise.reject(new Error('killed')) };
    const options = { shard, until: Infinity, budgetMs: Infinity };
    const run = archiveShard({ ...all.runtime, store }, coldMemory.cold, options);
    await run.catch(() => {});
  }
  const secrets = () =>
    [...coldMemory.objects.values()].filter(({ bytes }) =>
      gunzipSync(bytes).toString().includes('SECRET'),
    ).length;
  return { ...all, ...coldMemory, clock, token, crashedArchive, secrets };
}

test('a purge of what was never due for archiving is complete, and says no more', async () => {
  const { cli, token } = await shipped();
  const { code, err } = await cli('purge', token, ...SIGNED);
  expect({ code, err }).toEqual({ code: 0, err: '' });
});

test('copies of an archiver that was killed are erased an hour later, and until then that is said', async () => {
  const { cli, token, clock, crashedArchive, secrets, record } = await shipped();
  clock.advance(25 * HOUR_MS);
  await crashedArchive();
  expect(secrets()).toBe(1);
  const first = await cli('purge', token, ...SIGNED);
  expect(first.code).toBe(0);
  expect(first.err).toContain(AGAIN);
  expect(secrets()).toBe(1);
  clock.advance(HOUR_MS);
  const second = await cli('purge', token, ...SIGNED);
  expect(second).toMatchObject({ code: 0, err: '' });
  expect(secrets()).toBe(0);
  expect(await record(token)).toMatchObject({ status: 'completed', result: { kind: 'purged' } });
});

test('they are erased as well where it was archived meanwhile', async () => {
  const { cli, token, clock, crashedArchive, secrets, record } = await shipped();
  clock.advance(25 * HOUR_MS);
  await crashedArchive();
  await cli('purge', token, ...SIGNED);
  await cli('archive');
  expect(await record(token)).toMatchObject({ status: 'archived' });
  clock.advance(2 * HOUR_MS);
  expect((await cli('purge', token, ...SIGNED)).code).toBe(0);
  expect(secrets()).toBe(0);
});

test('copies from before an operation was restored are erased with it, and the others’ are kept', async () => {
  const all = await shipped();
  const { cli, token, clock, secrets } = all;
  const other = await all.publish('shipping.ship', { orderId: 'order-2' }, 'order-2');
  await all.work();
  clock.advance(25 * HOUR_MS);
  await cli('archive');
  expect((await cli('restore', token, ...SIGNED)).code).toBe(0);
  expect((await cli('purge', token, ...SIGNED)).err).toContain(AGAIN);

  expect(secrets()).toBe(2);
  clock.advance(2 * HOUR_MS);
  expect(await cli('purge', token, ...SIGNED)).toMatchObject({ code: 0, err: '' });
  expect((await cli('show', other)).out).toContain('SECRET');
  expect(secrets()).toBe(1);
});

test('under a lock on an object with a copy it is refused, and nothing is signed', async () => {
  const { cli, token, clock, objects, lock, record } = await shipped();
  clock.advance(25 * HOUR_MS);
  await cli('archive');
  await cli('restore', token, ...SIGNED);
  clock.advance(2 * HOUR_MS);
  for (const name of objects.keys()) lock(name);
  const before = await record(token);
  const { code, err } = await cli('purge', token, ...SIGNED);
  expect(code).toBe(4);
  expect(err).toContain('A retention lock keeps');
  expect(await record(token)).toEqual(before);
});
