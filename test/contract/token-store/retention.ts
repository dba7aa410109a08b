import { describe, expect, test } from 'vitest';
import type { StoredOperation, TerminalRecord } from '../../../functions/src/operation/record.ts';
import { RETENTION } from '../../support/operation-records.ts';
import { benchFor, bringTo, ERROR, LIVE_MS, OUTBOX, POINTER, RESULT, SHORT_MS } from './fixture.ts';
import type { Backend } from './fixture.ts';

type Terminal = StoredOperation<TerminalRecord>;

/** Sliding extension, and archiving in place. */
export function retentionContract(backend: Backend): void {
  const bench = benchFor(backend);

  describe('sliding extension', () => {
    test('writes nothing while at least half of the life is left', async () => {
      const { store, request, found, faulty, advance } = bench();
      const asked = request();
      await bringTo(bench(), 'completed', asked);
      await advance(SHORT_MS);
      const before = (await found(asked)) as Terminal;
      const writes = faulty.writes();
      expect(await store.slide(before)).toEqual(before);
      expect(faulty.writes()).toBe(writes);
      expect(await found(asked)).toEqual(before);
    });

    test('gives a record with less than half of its life left a full one from now', async () => {
      const { store, request, found, override } = bench();
      const asked = request();
      await bringTo(bench(), 'completed', asked);
      await override(asked, { verb: 'expire' });
      const now = store.now();
      const slid = await store.slide((await found(asked)) as Terminal);
      const after = await found(asked);
      expect(slid).toEqual(after);
      const { record } = after;
      expect(record).toHaveProperty('expireAt', expect.closeTo(now + RETENTION.ttlMs, -4));
      expect('expireAt' in record && record.expireAt).toBeGreaterThanOrEqual(now + RETENTION.ttlMs);
    });

    test('never reaches beyond the cap, counted from completion', async () => {
      const { store, request, found, override, advance } = bench();
      const retention = { ...RETENTION, ttlMs: LIVE_MS, capMs: LIVE_MS };
      const asked = request({ retention });
      await bringTo(bench(), 'completed', asked);
      await override(asked, { verb: 'expire' });
      await advance(SHORT_MS);
      await store.slide((await found(asked)) as Terminal);
      const { record } = await found(asked);
      const completedAt = 'completedAt' in record ? record.completedAt : 0;
      expect(record).toHaveProperty('expireAt', completedAt + LIVE_MS);
    });

    test('from a look that is out of date undoes nothing', async () => {
      const { store, request, found, override } = bench();
      const asked = request();
      await bringTo(bench(), 'completed', asked);
      await override(asked, { verb: 'expire' });
      const look = (await found(asked)) as Terminal;
      await override(asked, { verb: 'hold' });
      const held = await found(asked);
      expect(await store.slide(look)).toEqual(held);
      expect(await found(asked)).toEqual(held);
    });

    test('does not bring an archived operation back', async () => {
      const { store, request, found } = bench();
      const asked = request();
      await bringTo(bench(), 'archived', asked);
      const stub = (await found(asked)) as Terminal;
      expect(await store.slide(stub)).toEqual(stub);
      expect(await found(asked)).toEqual(stub);
    });
  });

  describe('archiving', () => {
    test('leaves a stub in place, with what must stay known and without the payload', async () => {
      const { store, request, found, override } = bench();
      const asked = request({ logicalTime: 9 });
      await bringTo(bench(), 'completed', asked);
      await override(asked, { verb: 'expire' });
      const before = await found(asked);
      const answer = await store.archive(before as Terminal, POINTER);
      const { record, revision, updatedAt } = await found(asked);
      expect(answer).toEqual({ kind: 'settled', revision, at: updatedAt });
      expect(record).toMatchObject({
        ...asked.facts,
        status: 'archived',
        outcome: 'completed',
        pointer: POINTER,
        fence: before.record.fence,
        forgetAt: expect.closeTo(updatedAt + RETENTION.forgetMs, -4),
      });
      for (const gone of ['result', 'outbox', 'sent', 'expireAt', 'dueAt']) {
        expect(record).not.toHaveProperty(gone);
      }
    });

    test.each(['failed', 'cancelled'] as const)('remembers that it was %s', async (standing) => {
      const { request, found, override, archive } = bench();
      const asked = request();
      await bringTo(bench(), standing, asked);
      await override(asked, { verb: 'expire' });
      expect(await archive(asked)).toMatchObject({ kind: 'settled' });
      const { record } = await found(asked);
      expect(record).toMatchObject({ status: 'archived', outcome: standing });
      for (const gone of ['error', 'reason']) expect(record).not.toHaveProperty(gone);
    });

    test('takes what has outlived its life by the time of the store', async () => {
      const { store, request, win, archive, advance } = bench();
      const asked = request({ retention: { ...RETENTION, ttlMs: 1, capMs: 1 } });
      await store.complete(await win(asked), { result: RESULT });
      await advance(3);
      expect(await archive(asked)).toMatchObject({ kind: 'settled' });
    });

    test('leaves it known how the operation ended, to whoever sends that again', async () => {
      const { store, request, win, archive, advance, found } = bench();
      const asked = request({ retention: { ...RETENTION, ttlMs: 1, capMs: 1 } });
      const claim = await win(asked);
      await store.complete(claim, { result: RESULT });
      await advance(3);
      await archive(asked);
      const stub = await found(asked);
      const { revision, updatedAt: at } = stub;
      const again = await store.complete(claim, { result: RESULT });
      expect(again).toEqual({ kind: 'settled', revision, at });
      expect(await store.fail(claim, ERROR)).toEqual({ kind: 'lost' });
      expect(await found(asked)).toEqual(stub);
    });

    test('leaves what has life left', async () => {
      const { request, found, archive } = bench();
      const asked = request();
      await bringTo(bench(), 'completed', asked);
      const before = await found(asked);
      expect(await archive(asked)).toEqual({ kind: 'lost' });
      expect(await found(asked)).toEqual(before);
    });

    test('leaves what is held, however old', async () => {
      const { request, found, override, archive } = bench();
      const asked = request();
      await bringTo(bench(), 'completed', asked);
      await override(asked, { verb: 'expire' });
      await override(asked, { verb: 'hold' });
      const before = await found(asked);
      expect(await archive(asked)).toEqual({ kind: 'lost' });
      expect(await found(asked)).toEqual(before);
    });

    test('leaves what has follow-ups to publish, however old', async () => {
      const { request, found, override, archive } = bench();
      const asked = request();
      await bringTo(bench(), 'unsent', asked);
      await override(asked, { verb: 'expire' });
      expect(await archive(asked)).toEqual({ kind: 'lost' });
      expect((await found(asked)).record).toMatchObject({ status: 'completed', outbox: OUTBOX });
    });

    test.each(['slide', 'extend', 'hold'] as const)(
      'loses to a %s that came between its look and its write',
      async (between) => {
        const { store, request, found, override } = bench();
        const asked = request();
        await bringTo(bench(), 'completed', asked);
        await override(asked, { verb: 'expire' });
        const look = (await found(asked)) as Terminal;
        if (between === 'slide') await store.slide(look);
        else
          await override(
            asked,
            between === 'hold' ? { verb: between } : { verb: between, byMs: 1 },
          );
        const kept = await found(asked);
        expect(await store.archive(look, POINTER)).toEqual({ kind: 'lost' });
        expect(await found(asked)).toEqual(kept);
      },
    );

    test('twice is lost the second time, and the first pointer stays', async () => {
      const { store, request, found } = bench();
      const asked = request();
      await bringTo(bench(), 'archived', asked);
      const stub = (await found(asked)) as Terminal;
      expect(await store.archive(stub, { ...POINTER, object: 'batch-2' })).toEqual({
        kind: 'lost',
      });
      expect(await found(asked)).toEqual(stub);
    });
  });
}
