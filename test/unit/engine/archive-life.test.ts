import { describe, expect, test } from 'vitest';
import { embeddedDocuments } from '../../../functions/src/adapters/embedded/documents.ts';
import { archiveShard } from '../../../functions/src/engine/archive-shard.ts';
import { guardCall } from '../../../functions/src/engine/once.ts';
import { warmCache } from '../../../functions/src/engine/warm-cache.ts';
import { FORGET_AFTER_MS, RETENTION_CLASSES } from '../../../functions/src/retention/classes.ts';
import { createTokenStore } from '../../../functions/src/store/token-store.ts';
import { documentId, keyToken } from '../../../functions/src/token/token.ts';
import type { Namespace } from '../../../functions/src/token/token.ts';
import { memoryCold } from '../../support/cold-memory.ts';
import { engineRuntime } from '../../support/engine-runtime.ts';
import { settableClock } from '../../support/settable-clock.ts';

const SHOP = 'shop' as Namespace;
const TOKEN = keyToken(SHOP, 'order-17');
const SECOND = 1_000;
const DAY = 86_400_000;

/** One operation on the embedded store, whose time is moved by hand. */
function life(retention: string) {
  const clock = settableClock();
  const documents = embeddedDocuments(':memory:', clock);
  const store = createTokenStore(documents, { shards: 1 });
  const { cold } = memoryCold(() => clock.now());
  const misses: unknown[] = [];
  const madeAt = clock.now();
  let ran = 0;

  function runtime() {
    return engineRuntime(store, {
      clock,
      cold,
      cache: warmCache(clock),
      telemetry: {
        decision() {},
        event: (_severity, _message, fields) => void misses.push(fields?.['expirationMiss']),
      },
    });
  }

  return {
    store,
    misses,
    advance: (ms: number) => clock.advance(ms),
    now: () => clock.now(),
    runs: () => ran,
    /** A process that never saw it before is asked for the operation: the retry of a task made at first. */
    retry() {
      const asked = { namespace: SHOP, action: 'a.b', params: {}, key: 'order-17', retention };
      const inTime = { ...runtime(), clock: { ...clock, now: () => madeAt } };
      return guardCall(inTime, { ...asked, effect: 'idempotent' }, () => {
        ran += 1;
        return { charged: ran };
      });
    },
    archive: () =>
      archiveShard(runtime(), cold, { shard: 0, until: clock.now(), budgetMs: Infinity }),
    record: async () => (await store.get(SHOP, TOKEN))?.record,
    documents,
  };
}

describe.each(RETENTION_CLASSES)('class $name', ({ name, ttlMs, capMs }) => {
  test('a retry one second before and one second after it expires is given the result', async () => {
    const { retry, advance, archive, record, runs } = life(name);
    await retry();
    advance(ttlMs - SECOND);
    expect(await archive()).toMatchObject({ moved: 0 });
    const before = await record();
    expect(await retry()).toEqual({ result: { charged: 1 }, replayed: true });
    // Less than half of its life was left: the look lengthened it.
    expect((await record()) as object).toMatchObject({
      expireAt: (before as { expireAt: number }).expireAt + ttlMs - SECOND,
    });
    expect(runs()).toBe(1);

    const other = life(name);
    await other.retry();
    other.advance(ttlMs + SECOND);
    expect(await other.retry()).toEqual({ result: { charged: 1 }, replayed: true });
    expect(await other.archive()).toMatchObject({ moved: 0 });
    expect(other.runs()).toBe(1);
  });

  test('looks lengthen its life to the cap and no further, and then it goes', async () => {
    const { retry, advance, archive, record, now } = life(name);
    await retry();
    const cap = now() + capMs;
    while (now() + ttlMs * 0.6 < cap) {
      advance(ttlMs * 0.6);
      await retry();
      expect(await archive()).toMatchObject({ moved: 0 });
    }
    await retry();
    const { expireAt } = (await record()) as { expireAt: number };
    expect(expireAt).toBeLessThanOrEqual(cap);
    expect(expireAt).toBeGreaterThan(cap - ttlMs);
    advance(cap - now() + SECOND);
    await retry();
    expect(await archive()).toMatchObject({ moved: 1 });
  });

  test('a retry after it is archived is given the recorded result, up to the day it is forgotten', async () => {
    const { retry, advance, archive, record, runs, now, misses } = life(name);
    await retry();
    advance(ttlMs + SECOND);
    await archive();
    expect(await record()).toMatchObject({
      status: 'archived',
      forgetAt: now() + FORGET_AFTER_MS,
    });
    for (const wait of [0, DAY, 60 * DAY, 28 * DAY]) {
      advance(wait);
      expect(await retry()).toEqual({ result: { charged: 1 }, replayed: true });
    }
    expect(runs()).toBe(1);
    expect(misses).toEqual([]);
  });
});

test('a retry after it is forgotten is refused as expired, runs nothing, and is counted as a miss', async () => {
  const { retry, advance, archive, runs, misses, documents } = life('api');
  await retry();
  advance(2 * 3_600_000);
  await archive();
  advance(FORGET_AFTER_MS + DAY);
  // Until the store removes the stub it answers on.
  expect(await retry()).toMatchObject({ replayed: true });
  const gone: typeof documents = {
    ...documents,
    read: async (ids) => ({ found: ids.map(() => undefined), at: documents.now() }),
  };
  expect((await gone.read([documentId(SHOP, TOKEN)])).found).toEqual([undefined]);
  const store = createTokenStore(gone, { shards: 1 });
  const events: unknown[] = [];
  const forgotten = engineRuntime(store, {
    clock: {
      now: () => documents.now() - FORGET_AFTER_MS - 2 * DAY,
      monotonic: () => 0,
      after: () => () => {},
    },
    telemetry: {
      decision() {},
      event: (_severity, _message, fields) => void events.push(fields),
    },
  });
  const late = guardCall(
    forgotten,
    {
      namespace: SHOP,
      action: 'a.b',
      params: {},
      key: 'order-17',
      retention: 'api',
      effect: 'pure',
    },
    () => 'again',
  );
  await expect(late).rejects.toMatchObject({ outcome: { kind: 'expired' } });
  expect(events).toEqual([
    { expirationMiss: { reason: 'forgotten', action: 'a.b', class: 'api' } },
  ]);
  expect(runs()).toBe(1);
  expect(misses).toEqual([]);
});
