import { describe, expect, test } from 'vitest';
import type {
  ArchivedRecord,
  ArchivePointer,
  StoredOperation,
  TerminalRecord,
} from '../../../functions/src/operation/record.ts';
import type { HotRecord } from '../../../functions/src/retention/archive-plan.ts';
import { createTokenStore } from '../../../functions/src/store/token-store.ts';
import { keyToken } from '../../../functions/src/token/token.ts';
import type { Namespace, Token } from '../../../functions/src/token/token.ts';
import type { WriteFate } from '../../support/faulty-documents.ts';
import { RETENTION } from '../../support/operation-records.ts';
import { benchFor, bringTo, POINTER, RESULT } from './fixture.ts';
import type { Backend, Bench } from './fixture.ts';

const SHOP = 'shop' as Namespace;
const BY = { actor: 'ops@example.com', reason: 'audit 12' };
const ELSEWHERE: ArchivePointer = { object: 'batch-2', offset: 0, length: 9 };
const SHORT_LIFE = { ...RETENTION, ttlMs: 5, capMs: 5 };

type Hot = StoredOperation<HotRecord>;
type Stub = StoredOperation<ArchivedRecord>;

function tokens(count: number): Token[] {
  return Array.from({ length: count }, (_, index) => keyToken(SHOP, `old-${index}`));
}

/** An archived operation: as it was copied, and its stub. */
async function archived(
  { store, request, found, override, archive }: Bench,
  standing: 'completed' | 'failed' | 'cancelled' = 'completed',
  bench: Bench,
): Promise<{ hot: Hot; stub: Stub; asked: ReturnType<Bench['request']> }> {
  const asked = request();
  await bringTo(bench, standing, asked);
  await override(asked, { verb: 'expire' });
  const hot = (await found(asked)) as Hot;
  await archive(asked);
  const stub = (await store.get(SHOP, asked.facts.token)) as Stub;
  return { hot, stub, asked };
}

/** What the archiver lives on: the listing of the expired, and writes over stubs. */
export function archiveContract(backend: Backend): void {
  const bench = benchFor(backend);

  describe('expired', () => {
    test('is what has outlived its time, held and unsent ones too, and nothing else', async () => {
      const { store, request, override, advance } = bench();
      const expired: Token[] = [];
      for (const standing of ['completed', 'unsent', 'failed', 'cancelled'] as const) {
        const asked = request({ token: keyToken(SHOP, standing), retention: SHORT_LIFE });
        await bringTo(bench(), standing, asked);
        expired.push(asked.facts.token);
      }
      const held = request({ token: keyToken(SHOP, 'held'), retention: SHORT_LIFE });
      await bringTo(bench(), 'completed', held);
      await override(held, { verb: 'hold' });
      expired.push(held.facts.token);
      for (const standing of [
        'claimed',
        'released',
        'in_doubt',
        'completed',
        'archived',
      ] as const) {
        await bringTo(bench(), standing, request({ token: keyToken(SHOP, `no ${standing}`) }));
      }
      await advance(10);
      const { operations, next } = await store.expired(0, { limit: 100 });
      expect(operations.map(({ record }) => record.token).toSorted()).toEqual(expired.toSorted());
      expect(next).toBeUndefined();
      expect(operations[0]).toEqual(await store.get(SHOP, operations[0]!.record.token));
    });

    test.each([1, 3, 100])(
      'is listed the oldest first, in pages of %d, each once',
      async (limit) => {
        const { store, request, win, advance } = bench();
        const all = tokens(7);
        for (const [index, token] of all.entries()) {
          const retention = { ...SHORT_LIFE, ttlMs: 20 - 2 * index };
          await store.complete(await win(request({ token, retention })), { result: RESULT });
        }
        await advance(25);
        const times: number[] = [];
        const seen: Token[] = [];
        let after: string | undefined;
        do {
          const page = { limit, ...(after !== undefined && { after }) };
          const { operations, next } = await store.expired(0, page);
          expect(operations.length).toBeLessThanOrEqual(limit);
          for (const { record } of operations as Hot[]) {
            times.push(record.expireAt);
            seen.push(record.token);
          }
          after = next;
        } while (after !== undefined);
        expect(seen.toSorted()).toEqual(all.toSorted());
        expect(times).toEqual(times.toSorted((a, b) => a - b));
      },
    );

    test('is spread over shards, each operation in one of them', async () => {
      const { documents, request, win, advance } = bench();
      const store = createTokenStore(documents, { shards: 4 });
      const all = tokens(16);
      for (const token of all) {
        const { claim } = (await store.claim(request({ token, retention: SHORT_LIFE }))) as {
          claim: Awaited<ReturnType<typeof win>>;
        };
        await store.complete(claim, { result: RESULT });
      }
      await advance(10);
      const shards = [0, 1, 2, 3].map((shard) => store.expired(shard, { limit: 100 }));
      const listed = (await Promise.all(shards)).map(({ operations }) =>
        operations.map(({ record }) => record.token),
      );
      expect(listed.flat().toSorted()).toEqual(all.toSorted());
      expect(listed.filter((shard) => shard.length > 0).length).toBeGreaterThan(1);
    });
  });

  describe('restoring', () => {
    test.each(['completed', 'failed', 'cancelled'] as const)(
      'makes what is %s hot again, as it was, with a full life from now',
      async (standing) => {
        const { store, found } = bench();
        const { hot, stub, asked } = await archived(bench(), standing, bench());
        const now = store.now();
        expect(await store.restore(stub, hot.record, BY)).toMatchObject({ kind: 'settled' });
        const { record } = await found(asked);
        const { expireAt: _expireAt, fence, override: _override, ...rest } = hot.record;
        expect(record).toMatchObject(rest);
        expect(record).toMatchObject({
          fence: fence + 1,
          override: { verb: 'restore', ...BY, at: expect.any(Number) },
        });
        expect('expireAt' in record && record.expireAt).toBeGreaterThanOrEqual(
          Math.floor(now + RETENTION.ttlMs),
        );
        for (const gone of ['pointer', 'outcome', 'forgetAt']) {
          expect(record).not.toHaveProperty(gone);
        }
        expect(await store.claim(bench().request())).toMatchObject({
          kind: standing === 'cancelled' ? 'cancelled' : 'replayed',
        });
      },
    );

    test('twice is lost the second time', async () => {
      const { store, found } = bench();
      const { hot, stub, asked } = await archived(bench(), 'completed', bench());
      await store.restore(stub, hot.record, BY);
      const restored = await found(asked);
      expect(await store.restore(stub, hot.record, { ...BY, actor: 'other' })).toEqual({
        kind: 'lost',
      });
      expect(await found(asked)).toEqual(restored);
    });

    test('can be followed by another archiving', async () => {
      const { store, found, override } = bench();
      const { hot, stub, asked } = await archived(bench(), 'completed', bench());
      await store.restore(stub, hot.record, BY);
      await override(asked, { verb: 'expire' });
      const again = (await found(asked)) as StoredOperation<TerminalRecord>;
      expect(await store.archive(again, ELSEWHERE)).toMatchObject({ kind: 'settled' });
      expect((await found(asked)).record).toMatchObject({ status: 'archived', pointer: ELSEWHERE });
    });
  });

  describe('a stub', () => {
    test('is made to point elsewhere, and nothing else of it changes', async () => {
      const { store, found } = bench();
      const { stub, asked } = await archived(bench(), 'completed', bench());
      const answer = await store.repoint(stub, ELSEWHERE);
      const moved = await found(asked);
      expect(moved.record).toEqual({ ...stub.record, pointer: ELSEWHERE });
      expect(answer).toMatchObject({ kind: 'settled', revision: moved.revision });
      expect(moved.revision).not.toBe(stub.revision);
    });

    test('that was restored meanwhile is not made to point anywhere', async () => {
      const { store, found } = bench();
      const { hot, stub, asked } = await archived(bench(), 'completed', bench());
      await store.restore(stub, hot.record, BY);
      expect(await store.repoint(stub, ELSEWHERE)).toEqual({ kind: 'lost' });
      expect((await found(asked)).record).toMatchObject({ status: 'completed', result: RESULT });
    });

    test('of a purged operation holds who, how and why, and nothing of it is restored', async () => {
      const { store, found } = bench();
      const { hot, stub, asked } = await archived(bench(), 'completed', bench());
      expect(await store.purgeStub(stub, BY)).toMatchObject({ kind: 'settled' });
      const purged = (await found(asked)) as Stub;
      expect(purged.record).toMatchObject({
        status: 'archived',
        pointer: POINTER,
        fence: stub.record.fence + 1,
        override: { verb: 'purge', ...BY },
      });
      await store.restore(purged, hot.record, BY);
      expect((await found(asked)).record).toMatchObject({ result: { kind: 'purged' } });
    });
  });

  describe.each<WriteFate>(['answer lost', 'request lost', 'repeated'])(
    'a write over a stub whose fate is: %s',
    (fate) => {
      test.each(['restore', 'repoint', 'purgeStub'] as const)('%s stands', async (verb) => {
        const { store, faulty, found } = bench();
        const { hot, stub, asked } = await archived(bench(), 'completed', bench());
        faulty.befall(fate);
        const answers = {
          restore: () => store.restore(stub, hot.record, BY),
          repoint: () => store.repoint(stub, ELSEWHERE),
          purgeStub: () => store.purgeStub(stub, BY),
        };
        const answer = await answers[verb]();
        const { record, revision } = await found(asked);
        expect(answer).toMatchObject({ kind: 'settled', revision });
        expect(record.fence).toBe(stub.record.fence + (verb === 'repoint' ? 0 : 1));
      });
    },
  );

  test('what a stub points to, and until when, is read as it was written', async () => {
    const { store, request, found, override } = bench();
    const asked = request();
    await bringTo(bench(), 'completed', asked);
    await override(asked, { verb: 'expire' });
    const earliest = store.now() + RETENTION.forgetMs;
    await store.archive((await found(asked)) as Hot, POINTER);
    const { record } = await found(asked);
    const { forgetAt } = record as ArchivedRecord;
    expect(Number.isInteger(forgetAt)).toBe(true);
    expect(forgetAt).toBeGreaterThanOrEqual(Math.floor(earliest));
    expect(forgetAt).toBeLessThan(earliest + 60_000);
  });
}
