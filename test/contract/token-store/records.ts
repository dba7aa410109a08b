import { describe, expect, test } from 'vitest';
import {
  INLINE_LIMIT_BYTES,
  packValue,
  unpackValue,
} from '../../../functions/src/engine/payload.ts';
import type { ClaimRequest } from '../../../functions/src/operation/claim.ts';
import type { CompletedRecord } from '../../../functions/src/operation/record.ts';
import type { RecordAnswer, RecordRequest } from '../../../functions/src/ports/token-store.ts';
import { WINDOW_MS, windowedTokens } from '../../../functions/src/token/window.ts';
import { memoryBlobs } from '../../support/engine-runtime.ts';
import { RETENTION } from '../../support/operation-records.ts';
import type { WriteFate } from '../../support/faulty-documents.ts';
import { benchFor, bringTo, ERROR, LIVE_MS, RESULT, SHORT_MS, STANDINGS, TASK } from './fixture.ts';
import type { Backend } from './fixture.ts';

const DONE = { status: 'completed', result: RESULT } as const;
const FAILED = { status: 'failed', error: ERROR } as const;
const FATES: readonly WriteFate[] = ['answer lost', 'request lost', 'repeated'];

function recordOf(
  { facts, claimId, window }: ClaimRequest,
  outcome: RecordRequest['outcome'] = DONE,
): RecordRequest {
  return { facts, claimId, outcome, ...(window && { window }) };
}

/** An outcome without a claim before it: the first one stands. */
export function recordContract(backend: Backend): void {
  const bench = benchFor(backend);

  describe('a record without a claim', () => {
    test.each([DONE, FAILED])('that $status is one write, and stands', async (outcome) => {
      const { store, request, found, faulty } = bench();
      const asked = request();
      const answer = await store.record(recordOf(asked, outcome));
      expect(faulty.writes()).toBe(1);
      const standing = await found(asked);
      expect(answer).toEqual({ kind: 'recorded', found: standing });
      expect(standing.record).toMatchObject({ ...outcome, fence: 1, attempt: 0 });
      const { completedAt, expireAt } = standing.record as CompletedRecord;
      expect(Math.abs(completedAt - standing.updatedAt)).toBeLessThan(5_000);
      expect(expireAt - completedAt).toBeGreaterThanOrEqual(RETENTION.ttlMs);
    });

    test('is replayed to whoever claims or records after it', async () => {
      const { store, request } = bench();
      await store.record(recordOf(request()));
      const replayed = { kind: 'replayed', drift: false, found: { record: DONE } };
      expect(await store.claim(request())).toMatchObject(replayed);
      expect(await store.record(recordOf(request(), FAILED))).toMatchObject(replayed);
    });

    test('has one winner of fifty that come at once, and the others find its outcome', async () => {
      const { store, request, found } = bench();
      const requests = Array.from({ length: 50 }, (_, n) =>
        recordOf(request(), {
          status: 'completed',
          result: { kind: 'inline', text: String(n) },
        }),
      );
      const answers = await Promise.all(requests.map((asked) => store.record(asked)));
      const won = requests.filter((_, index) => answers[index]?.kind === 'recorded');
      expect(won).toHaveLength(1);
      const [winner] = won;
      expect((await found(request())).record).toMatchObject({
        ...winner?.outcome,
        claimId: winner?.claimId,
      });
      const others = answers.filter(({ kind }) => kind !== 'recorded');
      for (const answer of others) {
        expect(answer).toMatchObject({ kind: 'replayed', found: { record: winner?.outcome } });
      }
    });

    test.each(FATES)('whose write’s fate is: %s is recorded, once', async (fate) => {
      const { store, request, found, faulty } = bench();
      const asked = request();
      faulty.befall(fate);
      const answer = await store.record(recordOf(asked));
      expect(answer).toEqual({ kind: 'recorded', found: await found(asked) });
      expect((await found(asked)).record).toMatchObject({ ...DONE, fence: 1 });
    });

    test('of the same claim id finds itself', async () => {
      const { store, request } = bench();
      const asked = request();
      await store.record(recordOf(asked));
      expect(await store.record(recordOf(asked))).toMatchObject({ kind: 'recorded' });
    });

    test('whose result is too large for a record points to it, and comes back whole', async () => {
      const { store, request, found } = bench();
      const { blobs, names } = memoryBlobs();
      const large = 'x'.repeat(INLINE_LIMIT_BYTES);
      const asked = request();
      const result = await packValue(large, blobs, asked.facts);
      await store.record(recordOf(asked, { status: 'completed', result }));
      const stored = ((await found(asked)).record as CompletedRecord).result;
      expect(stored).toMatchObject({ kind: 'blob', name: names()[0] });
      expect(await unpackValue(stored, blobs)).toBe(large);
    });

    test('made longer ago than is remembered is expired, and writes nothing', async () => {
      const { store, request, faulty } = bench();
      const madeAt = Math.floor(store.now()) - RETENTION.forgetMs - 60_000;
      const answer = await store.record(recordOf(request({ madeAt })));
      expect(answer).toEqual({ kind: 'expired' });
      expect(faulty.writes()).toBe(0);
    });

    test('of another request under the token is a mismatch', async () => {
      const { store, request } = bench();
      await store.record(recordOf(request()));
      const other = recordOf(request({ requestHash: 'r1_other' }));
      expect(await store.record(other)).toEqual({ kind: 'mismatch', part: 'request' });
    });

    test.each([false, true])(
      'by window is found from a neighbouring bucket, recorded there: %s',
      async (record) => {
        const { store, request } = bench();
        const edge = Math.floor(store.now() / WINDOW_MS) * WINDOW_MS;
        const asked = [edge - 1, edge + 1].map((madeAt) => {
          const components = { ...request().facts, scope: 'global' };
          const { token, neighbours } = windowedTokens(components, madeAt);
          const window = { neighbours, lengthMs: WINDOW_MS };
          return request({ token, root: token, madeAt }, { window });
        });
        const [first, twin] = asked as [ClaimRequest, ClaimRequest];
        expect(await store.record(recordOf(first))).toMatchObject({ kind: 'recorded' });
        const again = record ? store.record(recordOf(twin, FAILED)) : store.claim(twin);
        expect(await again).toMatchObject({ kind: 'replayed', found: { record: DONE } });
      },
    );
  });

  describe('a record over what stands there', () => {
    const KINDS: Readonly<Record<(typeof STANDINGS)[number], RecordAnswer['kind']>> = {
      claimed: 'inFlight',
      released: 'inFlight',
      in_doubt: 'inDoubt',
      completed: 'replayed',
      unsent: 'replayed',
      failed: 'replayed',
      cancelled: 'cancelled',
      archived: 'replayed',
    };

    test.each(STANDINGS)('that is %s changes nothing', async (standing) => {
      const { store, request, found } = bench();
      const asked = request();
      await bringTo(bench(), standing, asked);
      const before = await found(asked);
      expect(await store.record(recordOf(request()))).toMatchObject({ kind: KINDS[standing] });
      expect(await found(asked)).toEqual(before);
    });

    test.each(FATES)(
      'nobody holds any more, its fate being: %s, outlives the holder',
      async (fate) => {
        const { store, request, win, advance, found, faulty } = bench();
        const late = await win(request({}, { leaseMs: SHORT_MS }));
        await advance(SHORT_MS);
        faulty.befall(fate);
        const asked = request();
        const answer = await store.record(recordOf(asked));
        expect(answer).toEqual({ kind: 'recorded', found: await found(asked) });
        const { record } = await found(asked);
        expect(record).toMatchObject({ ...DONE, fence: 2, claimId: asked.claimId, sent: true });
        expect(record).not.toHaveProperty('leaseMs');
        expect(await store.complete(late, { result: RESULT })).toEqual({ kind: 'lost' });
      },
    );

    test('given back with an error leaves nothing of that', async () => {
      const { store, request, win, found } = bench();
      const held = await win(request());
      await store.release(held, { waitMs: 0, error: ERROR, started: false });
      await store.record(recordOf(request()));
      const { record } = await found(request());
      expect(record).not.toHaveProperty('error');
      expect(record).not.toHaveProperty('notBefore');
    });

    test('with a stored task has its follow-ups derived by a sweep', async () => {
      const { store, request, win, advance, found } = bench();
      await win(request({}, { leaseMs: SHORT_MS, task: TASK }));
      await advance(SHORT_MS);
      await store.record(recordOf(request()));
      const { record } = await found(request());
      expect(record).toMatchObject({ sent: false, outbox: { kind: 'pending' }, task: TASK });
      await advance(1);
      expect((await store.due(0, { limit: 9 })).operations).toHaveLength(1);
    });

    test('that was sent and lapsed leaves it to a person', async () => {
      const { store, request, win, advance } = bench();
      const effect = 'once';
      const late = await win(request({ effect }, { leaseMs: SHORT_MS }));
      await store.start(late, 'charge-17');
      await advance(SHORT_MS);
      const answer = await store.record(recordOf(request({ effect })));
      expect(answer).toMatchObject({ kind: 'inDoubt', fresh: true });
    });

    test('has one winner against twenty claims and twenty records of a lapsed token', async () => {
      const { store, request, win, advance } = bench();
      await win(request({}, { leaseMs: SHORT_MS }));
      await advance(SHORT_MS);
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, n) =>
          n % 2 === 0
            ? store.claim(request({}, { leaseMs: LIVE_MS }))
            : store.record(recordOf(request())),
        ),
      );
      const kinds = answers.map(({ kind }) => kind);
      expect(kinds.filter((kind) => kind === 'claimed' || kind === 'recorded')).toHaveLength(1);
    });
  });
}
