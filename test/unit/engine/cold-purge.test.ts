import { expect, test } from 'vitest';
import { gunzipSync } from 'node:zlib';
import { erasePurged, whyNotErasable } from '../../../functions/src/engine/cold-erase.ts';
import { purgeArchived } from '../../../functions/src/engine/cold-purge.ts';
import { restoreOperation } from '../../../functions/src/engine/restore.ts';
import type { ColdStorage } from '../../../functions/src/ports/cold-storage.ts';
import { keyToken } from '../../../functions/src/token/token.ts';
import type { Token } from '../../../functions/src/token/token.ts';
import { archiveWorld, BY, SHOP } from '../../support/archive-world.ts';
import type { ArchiveWorld } from '../../support/archive-world.ts';

const HOUR_MS = 3_600_000;
const SECRET = 'card 4242';

/** Five archived operations, one with a secret, long since settled. */
async function archived(): Promise<{ world: ArchiveWorld; tokens: Token[]; secret: Token }> {
  const world = archiveWorld();
  const tokens = await world.completed(5, (index) => (index === 3 ? SECRET : { index }));
  world.expire();
  await world.archive();
  world.clock.advance(2 * HOUR_MS);
  return { world, tokens, secret: tokens[3]! };
}

function holding(world: ArchiveWorld, text: string): string[] {
  return [...world.objects.values()]
    .filter(({ bytes }) => gunzipSync(bytes).toString().includes(text))
    .map(({ name }) => name);
}

/** What each of {@link archived} answers once the secret is purged. */
const ANSWERS: readonly unknown[] = [
  { index: 0 },
  { index: 1 },
  { index: 2 },
  'purged',
  { index: 4 },
];

function answers(world: ArchiveWorld, tokens: readonly Token[]): Promise<unknown[]> {
  const gone = (error: unknown): string => {
    if (String(error).includes('purged by an operator')) return 'purged';
    throw error;
  };
  return Promise.all(tokens.map((token) => world.answer(token).catch(gone)));
}

const purge = (world: ArchiveWorld, token: Token, runtime = world.runtime) =>
  purgeArchived(runtime, runtime.cold, { namespace: SHOP, token, ...BY });

test('erases a payload from cold storage, and every other operation answers as before', async () => {
  const { world, tokens, secret } = await archived();
  expect(holding(world, SECRET)).toHaveLength(1);
  expect(await purge(world, secret)).toMatchObject({ kind: 'purged', rewritten: 1 });
  expect(holding(world, SECRET)).toEqual([]);
  expect(world.objects.size).toBe(1);
  expect(await answers(world, tokens)).toEqual(ANSWERS);
  await expect(world.answer(secret)).rejects.toMatchObject({ name: 'PayloadGone' });
  expect(await world.record(secret)).toMatchObject({
    status: 'archived',
    outcome: 'completed',
    override: { verb: 'purge', ...BY },
  });
  const exported = await world.exported();
  expect(exported.map(({ token }) => token).toSorted()).toEqual(tokens.toSorted());
  expect(exported.find(({ token }) => token === secret)).toMatchObject({
    result: { kind: 'purged' },
  });
});

test('finds copies that no stub points to any more as well', async () => {
  const { world, secret } = await archived();
  await restoreOperation(world.runtime, SHOP, secret, BY);
  world.expire();
  await world.archive();
  world.clock.advance(2 * HOUR_MS);
  expect(holding(world, SECRET)).toHaveLength(2);
  expect(await purge(world, secret)).toMatchObject({ kind: 'purged', rewritten: 2 });
  expect(holding(world, SECRET)).toEqual([]);
});

test.each([
  ['tells no time of writing', 0],
  ['has a clock that is weeks behind', 1_000],
])('erases a payload also where the storage %s', async (_what, storedAt) => {
  const { world, tokens, secret } = await archived();
  const cold: ColdStorage = {
    ...world.cold,
    async *list(prefix) {
      for await (const entry of world.cold.list(prefix)) yield { ...entry, storedAt };
    },
  };
  const answer = await purge(world, secret, { ...world.runtime, cold });
  expect(answer).toMatchObject({ kind: 'purged', rewritten: 1 });
  expect(holding(world, SECRET)).toEqual([]);
  expect(await answers(world, tokens)).toEqual(ANSWERS);
});

test('does not read the objects of before the operation ended', async () => {
  const world = archiveWorld();
  await world.completed(3);
  world.expire();
  await world.archive();
  world.clock.advance(3 * 24 * HOUR_MS);
  const secret = await world.complete(keyToken(SHOP, 'secret'), SECRET);
  world.expire();
  await world.archive();
  world.clock.advance(2 * HOUR_MS);
  const [old] = [...world.objects.keys()];
  const read: string[] = [];
  const cold: ColdStorage = {
    ...world.cold,
    async read(name, range) {
      read.push(name);
      return world.cold.read(name, range);
    },
  };
  expect(await purge(world, secret, { ...world.runtime, cold })).toMatchObject({ kind: 'purged' });
  expect(read.length).toBeGreaterThan(0);
  expect(read).not.toContain(old);
});

test('erases the blob of a payload that was too large for its record', async () => {
  const world = archiveWorld();
  const [token] = await world.completed(1, () => 'ü'.repeat(400_000));
  world.expire();
  await world.archive();
  world.clock.advance(2 * HOUR_MS);
  const blobs = () => [...world.objects.keys()].filter((name) => name.startsWith('blobs/'));
  expect(blobs()).toHaveLength(1);
  await purge(world, token!);
  expect(blobs()).toEqual([]);
  await expect(world.answer(token!)).rejects.toThrow('purged by an operator');
});

test('is refused under a retention lock, and nothing is changed', async () => {
  const { world, secret } = await archived();
  for (const name of world.objects.keys()) world.lock(name);
  const before = await world.record(secret);
  const answer = await purge(world, secret);
  expect(answer).toMatchObject({ kind: 'refused', why: expect.stringContaining('retention lock') });
  expect(await world.record(secret)).toEqual(before);
  expect(await world.answer(secret)).toBe(SECRET);
});

test('is refused while another run may still hold the batch', async () => {
  const world = archiveWorld();
  const [token] = await world.completed(1);
  world.expire();
  await world.archive();
  expect(await purge(world, token!)).toMatchObject({ kind: 'refused' });
  world.clock.advance(HOUR_MS);
  expect(await purge(world, token!)).toMatchObject({ kind: 'purged' });
});

test('of a hot operation it says so, and of an unknown one too', async () => {
  const world = archiveWorld();
  const [token] = await world.completed(1);
  expect(await purge(world, token!)).toMatchObject({ kind: 'hot' });
  expect(await purge(world, 'k1_none' as Token)).toEqual({ kind: 'absent' });
});

/** Purges with this many calls of the stores before the process is killed. */
async function killedAfter(world: ArchiveWorld, secret: Token, calls: number): Promise<boolean> {
  let left = calls;
  const { promise: killed, resolve: kill } = Promise.withResolvers<'killed'>();
  const dying = async <Answer>(call: () => Promise<Answer>): Promise<Answer> => {
    if (left === 0) {
      kill('killed');
      return new Promise<never>(() => {});
    }
    left -= 1;
    return call();
  };
  const runtime = world.runtimeOf({
    documents: (real) => ({
      ...real,
      update: (...asked) => dying(() => real.update(...asked)),
      read: (...asked) => dying(() => real.read(...asked)),
    }),
    cold: (real): ColdStorage => ({
      ...real,
      put: (object) => dying(() => real.put(object)),
      read: (...asked) => dying(() => real.read(...asked)),
      delete: (name) => dying(() => real.delete(name)),
    }),
  });
  const ended = await Promise.race([purge(world, secret, runtime), killed]);
  return ended === 'killed';
}

test('killed at any call, every operation answers or is purged, and the next purge ends it', async () => {
  let calls = 0;
  for (let wasKilled = true; wasKilled; calls += 1) {
    const { world, tokens, secret } = await archived();
    wasKilled = await killedAfter(world, secret, calls);
    const signed = (await world.record(secret)).override?.verb === 'purge';
    const told = signed ? 'purged' : SECRET;
    expect(await answers(world, tokens)).toEqual(ANSWERS.with(3, told));
    const exported = (await world.exported()).map(({ token }) => token);
    expect(exported.toSorted()).toEqual(tokens.toSorted());

    await purge(world, secret);
    expect(holding(world, SECRET)).toEqual([]);
    expect(await answers(world, tokens)).toEqual(ANSWERS);
  }
  expect(calls).toBeGreaterThan(10);
});

test('purging one of two operations with the same large result leaves the other its own', async () => {
  const world = archiveWorld();
  const tokens = await world.completed(2, () => 'ü'.repeat(400_000));
  expect(world.hotBlobs.names()).toHaveLength(2);
  world.expire();
  await world.archive();
  world.clock.advance(2 * HOUR_MS);
  await purge(world, tokens[0]!);
  await expect(world.answer(tokens[0]!)).rejects.toMatchObject({ name: 'PayloadGone' });
  expect(await world.answer(tokens[1]!)).toBe('ü'.repeat(400_000));
});

test('purging a hot operation erases its blob, also when the first time was broken off', async () => {
  const world = archiveWorld();
  const [token] = await world.completed(1, () => 'ü'.repeat(400_000));
  const { store, runtime } = world;
  await store.override(SHOP, token!, { override: { verb: 'purge' }, ...BY });
  expect(world.hotBlobs.names()).toHaveLength(1);
  await store.override(SHOP, token!, { override: { verb: 'purge' }, ...BY });
  await erasePurged(runtime, await world.record(token!));
  expect(world.hotBlobs.names()).toEqual([]);
  await expect(world.answer(token!)).rejects.toThrow('purged by an operator');
});

test('a hot purge that was broken off before its blob was erased is ended by one when it is archived', async () => {
  const world = archiveWorld();
  const [token] = await world.completed(1, () => 'ü'.repeat(400_000));
  await world.store.override(SHOP, token!, { override: { verb: 'purge' }, ...BY });
  world.expire();
  await world.archive();
  world.clock.advance(2 * HOUR_MS);
  expect(world.hotBlobs.names()).toHaveLength(1);
  expect(await purge(world, token!)).toMatchObject({ kind: 'purged', rewritten: 1 });
  expect(world.hotBlobs.names()).toEqual([]);
  expect(await purge(world, token!)).toMatchObject({ kind: 'purged', rewritten: 0 });
});

test('what was purged while hot is refused as well while its archiver is at work, and no neighbour is lost', async () => {
  const world = archiveWorld();
  const tokens = await world.completed(12, (index) => (index === 0 ? SECRET : { index }));
  await world.store.override(SHOP, tokens[0]!, { override: { verb: 'purge' }, ...BY });
  world.expire();
  const asked: unknown[] = [];
  const archiver = world.runtimeOf({
    documents: (real) => ({
      ...real,
      async update(...update) {
        const answer = await real.update(...update);
        asked.push(await purge(world, tokens[0]!));
        return answer;
      },
    }),
  });
  expect(await world.archive(archiver, { lanes: 1 })).toMatchObject({ moved: 12 });
  expect(asked).toHaveLength(12);
  expect(asked.filter((answer) => (answer as { kind: string }).kind === 'purged')).toEqual([]);
  expect(await answers(world, tokens)).toEqual(
    tokens.map((_, index) => (index === 0 ? 'purged' : { index })),
  );
});

test('a purge of what was purged while hot is signed by whoever asks for it', async () => {
  const world = archiveWorld();
  const [token] = await world.completed(1);
  await world.store.override(SHOP, token!, { override: { verb: 'purge' }, ...BY });
  world.expire();
  await world.archive();
  world.clock.advance(2 * HOUR_MS);
  const second = { actor: 'second@example.com', reason: 'again' };
  const { runtime } = world;
  await purgeArchived(runtime, runtime.cold, { namespace: SHOP, token: token!, ...second });
  expect((await world.record(token!)).override).toMatchObject({ verb: 'purge', ...second });
});

/** A settled operation whose payload lies as a blob in cold storage, under a retention lock. */
async function lockedBlob(): Promise<{ world: ArchiveWorld; token: Token }> {
  const world = archiveWorld();
  const [token] = await world.completed(1, () => 'ü'.repeat(400_000));
  world.expire();
  await world.archive();
  world.clock.advance(2 * HOUR_MS);
  for (const name of world.objects.keys()) if (name.startsWith('blobs/')) world.lock(name);
  return { world, token: token! };
}

test('is refused while a retention lock is on the blob of its payload, and nothing is changed', async () => {
  const { world, token } = await lockedBlob();
  const before = await world.record(token);
  const answer = await purge(world, token);
  expect(answer).toMatchObject({ kind: 'refused', why: expect.stringContaining('keeps blobs/') });
  expect(await world.record(token)).toEqual(before);
  expect(await world.answer(token)).toBe('ü'.repeat(400_000));
});

test('that a restored operation has its blob under a lock is told before it is signed', async () => {
  const { world, token } = await lockedBlob();
  const { runtime } = world;
  expect((await restoreOperation(runtime, SHOP, token, BY)).kind).toBe('restored');
  const why = await whyNotErasable(runtime, await world.record(token));
  expect(why).toContain('A retention lock keeps blobs/');
  expect(await world.answer(token)).toBe('ü'.repeat(400_000));

  const fresh = await world.complete('k1_fresh' as Token, 'ü'.repeat(400_000));
  expect(await whyNotErasable(runtime, await world.record(fresh))).toBeUndefined();
});

test('a lock that comes on the blob after the signature is an error, not a success', async () => {
  const { world, token } = await lockedBlob();
  await restoreOperation(world.runtime, SHOP, token, BY);
  await world.store.override(SHOP, token, { override: { verb: 'purge' }, ...BY });
  await expect(erasePurged(world.runtime, await world.record(token))).rejects.toThrow(
    'its bytes are not erased',
  );
});
