import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { INLINE_LIMIT_BYTES } from '../../../functions/src/engine/payload.ts';
import { BATCH_BYTES } from '../../../functions/src/retention/archive-plan.ts';
import { keyToken } from '../../../functions/src/token/token.ts';
import { archiveWorld, SHOP } from '../../support/archive-world.ts';
import type { ArchiveWorld } from '../../support/archive-world.ts';

const MIB = 1024 * 1024;
/** What a record has besides its result. */
const REST_BYTES = 4_096;

/** Archives, and tells how large each page was that the store was asked for. */
async function pagesOf(world: ArchiveWorld) {
  const pages: { limit: number; bytes: number }[] = [];
  const { store } = world;
  const watched = {
    ...world.runtime,
    store: {
      ...store,
      async expired(...asked: Parameters<typeof store.expired>) {
        const listing = await store.expired(...asked);
        const bytes = Buffer.byteLength(JSON.stringify(listing.operations));
        pages.push({ limit: asked[1].limit, bytes });
        return listing;
      },
    },
  };
  return { report: await world.archive(watched), pages };
}

test('a burst of the largest records after small ones takes no more memory than a page and a batch', async () => {
  const world = archiveWorld();
  const large = 'x'.repeat(INLINE_LIMIT_BYTES - 2);
  await world.completed(330, (index) => {
    world.clock.advance(1);
    return index < 180 ? index : large;
  });
  world.expire();
  const { report, pages } = await pagesOf(world);
  expect(report).toMatchObject({ moved: 330, blobs: 0 });
  // What was small before tells nothing of what comes: the largest records fit whatever came before.
  for (const { limit, bytes } of pages) {
    expect(bytes).toBeLessThan(40 * MIB);
    expect(limit * INLINE_LIMIT_BYTES).toBeLessThan(40 * MIB);
  }
  expect(world.objects.size).toBeGreaterThan(5);
  for (const { bytes } of world.objects.values()) {
    const plain = gunzipSync(bytes).length;
    expect(plain).toBeLessThan(BATCH_BYTES + INLINE_LIMIT_BYTES + REST_BYTES);
  }
  expect(BATCH_BYTES).toBeLessThanOrEqual(8 * MIB);
});

test('small records are read in pages large enough that their queries are few', async () => {
  const world = archiveWorld();
  await world.completed(1_000);
  world.expire();
  const { report, pages } = await pagesOf(world);
  expect(report).toMatchObject({ moved: 1_000, objects: 1 });
  expect(pages.length).toBeLessThanOrEqual(11);
});

/** The most calls that were under way at once; each ends once nothing else can begin. */
function counter() {
  let [now, most] = [0, 0];
  return {
    most: () => most,
    async during<Value>(call: () => Promise<Value>): Promise<Value> {
      most = Math.max(most, (now += 1));
      await new Promise((resolve) => setImmediate(resolve));
      const value = await call();
      now -= 1;
      return value;
    },
  };
}

test.each([
  { lanes: undefined, expected: 16 },
  { lanes: 4, expected: 4 },
])('writes $expected records at once where it is told $lanes', async ({ lanes, expected }) => {
  const world = archiveWorld();
  await world.completed(60);
  world.expire();
  const { most, during } = counter();
  const counting = world.runtimeOf({
    documents: (real) => ({ ...real, update: (...asked) => during(() => real.update(...asked)) }),
  });
  expect(await world.archive(counting, lanes === undefined ? {} : { lanes })).toMatchObject({
    moved: 60,
  });
  expect(most()).toBe(expected);
});

test('has two large payloads in its hands at once, and no more', async () => {
  const world = archiveWorld();
  for (let index = 0; index < 6; index += 1) {
    const large = String(index).repeat(INLINE_LIMIT_BYTES + 1);
    await world.complete(keyToken(SHOP, `large-${index}`), large);
  }
  world.expire();
  const { most, during } = counter();
  const real = world.runtimeOf();
  const counting = {
    ...real,
    blobs: { ...real.blobs, get: (name: string) => during(() => real.blobs.get(name)) },
  };
  expect(await world.archive(counting)).toMatchObject({ moved: 6, blobs: 6 });
  expect(most()).toBe(2);
});
