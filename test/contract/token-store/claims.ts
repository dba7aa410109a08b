import { describe, expect, test } from 'vitest';
import { keyToken } from '../../../functions/src/token/token.ts';
import type { Namespace } from '../../../functions/src/token/token.ts';
import { RETENTION } from '../../support/operation-records.ts';
import {
  benchFor,
  bringTo,
  ERROR,
  LIVE_MS,
  RESULT,
  SHORT_MS,
  STANDINGS,
  TASK,
  won,
} from './fixture.ts';
import type { Backend } from './fixture.ts';

const EFFECTS = ['pure', 'idempotent', 'reconcilable', 'once'] as const;

/** Every row of the claim table, through the port. */
export function claimContract(backend: Backend): void {
  const bench = benchFor(backend);

  describe.each([
    { approach: 'write first', likelyDuplicate: false },
    { approach: 'read first', likelyDuplicate: true },
  ])('a claim, $approach', ({ likelyDuplicate }) => {
    const rest = { likelyDuplicate };

    test('where nothing stands it is won, under the first fence', async () => {
      const { store, request, found } = bench();
      const asked = request({}, { ...rest, task: TASK });
      const { claim } = won(await store.claim(asked));
      expect(claim).toMatchObject({
        token: asked.facts.token,
        claimId: asked.claimId,
        fence: 1,
        attempt: 1,
        started: false,
      });
      const { record } = await found(asked);
      expect(record).toMatchObject({ ...asked.facts, status: 'claimed', task: TASK });
    });

    test('a task older than records are remembered is expired, and leaves nothing behind', async () => {
      const { store, request } = bench();
      const madeAt = Math.floor(store.now()) - RETENTION.forgetMs - LIVE_MS;
      const asked = request({ madeAt }, rest);
      expect(await store.claim(asked)).toEqual({ kind: 'expired' });
      expect(await store.get(asked.facts.namespace, asked.facts.token)).toBeUndefined();
    });

    test('however old the task, a record that is still there answers it', async () => {
      const { store, request } = bench();
      await bringTo(bench(), 'completed', request());
      const madeAt = Math.floor(store.now()) - RETENTION.forgetMs - LIVE_MS;
      expect(await store.claim(request({ madeAt }, rest))).toMatchObject({ kind: 'replayed' });
    });

    test('asked again with its own claim id it finds itself, and can go on', async () => {
      const { store, request } = bench();
      const asked = request({}, rest);
      await store.claim(asked);
      const { claim } = won(await store.claim(asked));
      expect(claim).toMatchObject({ fence: 1, attempt: 1 });
      expect(await store.complete(claim, { result: RESULT })).toMatchObject({ kind: 'settled' });
    });

    test.each(STANDINGS)(
      'another request under a token that is %s is a mismatch',
      async (standing) => {
        const { store, request, found } = bench();
        const first = request();
        await bringTo(bench(), standing, first);
        const before = await found(first);
        const answer = await store.claim(request({ requestHash: 'r1_refund' }, rest));
        expect(answer).toEqual({ kind: 'mismatch', part: 'request' });
        expect(await found(first)).toEqual(before);
      },
    );

    test('what is completed is replayed, with its result', async () => {
      const { store, request } = bench();
      await bringTo(bench(), 'completed', request());
      expect(await store.claim(request({}, rest))).toMatchObject({
        kind: 'replayed',
        found: { record: { status: 'completed', result: RESULT } },
        drift: false,
      });
    });

    test('what is completed is replayed after its life has ended as well', async () => {
      const { store, request, override } = bench();
      const first = request();
      await bringTo(bench(), 'completed', first);
      await override(first, { verb: 'expire' });
      expect(await store.claim(request({}, rest))).toMatchObject({ kind: 'replayed' });
    });

    test('what is archived is replayed, from its stub', async () => {
      const { store, request } = bench();
      await bringTo(bench(), 'archived', request());
      expect(await store.claim(request({}, rest))).toMatchObject({
        kind: 'replayed',
        found: { record: { status: 'archived', outcome: 'completed' } },
      });
    });

    test('what failed for good is replayed, with its error', async () => {
      const { store, request } = bench();
      await bringTo(bench(), 'failed', request());
      expect(await store.claim(request({}, rest))).toMatchObject({
        kind: 'replayed',
        found: { record: { status: 'failed', error: ERROR } },
      });
    });

    test('what was cancelled stays cancelled', async () => {
      const { store, request } = bench();
      await bringTo(bench(), 'cancelled', request());
      expect(await store.claim(request({}, rest))).toMatchObject({
        kind: 'cancelled',
        found: { record: { reason: 'customer left' } },
      });
    });

    test('what is in doubt stays in doubt', async () => {
      const { store, request } = bench();
      await bringTo(bench(), 'in_doubt', request());
      const answer = await store.claim(request({}, rest));
      expect(answer).toMatchObject({ kind: 'inDoubt', fresh: false });
    });

    test('another context is replayed as drift, and a mismatch only where that is asked for', async () => {
      const { store, request } = bench();
      await bringTo(bench(), 'completed', request({ contextHash: 'c1_old' }));
      const drifted = { contextHash: 'c1_new' };
      expect(await store.claim(request(drifted, rest))).toMatchObject({
        kind: 'replayed',
        drift: true,
      });
      expect(await store.claim(request(drifted, { ...rest, strictContext: true }))).toEqual({
        kind: 'mismatch',
        part: 'context',
      });
    });

    test('while a lease lives it is in flight, and told until when and with whom', async () => {
      const { store, request, found } = bench();
      const first = request();
      await store.claim(first);
      const { updatedAt } = await found(first);
      const answer = await store.claim(request({}, rest));
      expect(answer).toMatchObject({
        kind: 'inFlight',
        until: updatedAt + LIVE_MS,
        holder: first.holder,
      });
      expect(answer).toHaveProperty('forMs', expect.closeTo(LIVE_MS, -4));
    });

    test('what was released is in flight until it may be claimed', async () => {
      const { store, request, found } = bench();
      const first = request();
      await bringTo(bench(), 'released', first);
      const { record } = await found(first);
      const answer = await store.claim(request({}, rest));
      expect(answer).toMatchObject({ kind: 'inFlight' });
      expect(answer).toHaveProperty('until', record.status === 'released' && record.notBefore);
    });

    test('what was released is claimed with the next fence once its time has come', async () => {
      const { store, request, win, advance } = bench();
      await store.release(await win(request()), { waitMs: SHORT_MS, error: ERROR, started: false });
      await advance(SHORT_MS + 1);
      const { claim } = won(await store.claim(request({}, rest)));
      expect(claim).toMatchObject({ fence: 2, attempt: 2, started: false });
    });

    test.each(EFFECTS)('a lapsed %s effect that was not started is taken over', async (effect) => {
      const { store, request, advance, found } = bench();
      await store.claim(request({ effect }, { leaseMs: SHORT_MS, task: TASK }));
      await advance(SHORT_MS);
      const asked = request({ effect }, rest);
      const answer = won(await store.claim(asked));
      expect(answer).not.toHaveProperty('reconcile');
      expect(answer.claim).toMatchObject({ claimId: asked.claimId, fence: 2, attempt: 2 });
      const { record } = await found(asked);
      expect(record).toMatchObject({ holder: asked.holder, leaseMs: LIVE_MS, task: TASK });
    });

    test.each(['pure', 'idempotent'] as const)(
      'a lapsed %s effect is taken over even if it was started, under the same tracking id',
      async (effect) => {
        const { store, request, win, advance } = bench();
        await store.start(await win(request({ effect }, { leaseMs: SHORT_MS })), 'charge-17');
        await advance(SHORT_MS);
        const answer = won(await store.claim(request({ effect }, rest)));
        expect(answer).not.toHaveProperty('reconcile');
        expect(answer.claim).toMatchObject({ fence: 2, trackingId: 'charge-17' });
      },
    );

    test('a lapsed, started reconcilable effect is taken over with a question', async () => {
      const { store, request, win, advance, found } = bench();
      const first = request({ effect: 'reconcilable' }, { leaseMs: SHORT_MS });
      await store.start(await win(first), 'charge-17');
      const { updatedAt } = await found(first);
      await advance(SHORT_MS);
      const answer = won(await store.claim(request({ effect: 'reconcilable' }, rest)));
      expect(answer.reconcile).toEqual({
        trackingId: 'charge-17',
        lapsedAt: updatedAt + SHORT_MS,
      });
      expect(answer.claim).toMatchObject({ fence: 2, started: true, trackingId: 'charge-17' });
    });

    test('a lapsed, started once effect is parked in doubt, and told as fresh only once', async () => {
      const { store, request, win, advance, found } = bench();
      const first = request({ effect: 'once' }, { leaseMs: SHORT_MS, task: TASK });
      await store.start(await win(first), 'charge-17');
      await advance(SHORT_MS);
      const answer = await store.claim(request({ effect: 'once' }, rest));
      expect(answer).toMatchObject({ kind: 'inDoubt', fresh: true });
      expect(answer).toHaveProperty('found', await found(first));
      const { record } = await found(first);
      expect(record).toMatchObject({
        status: 'in_doubt',
        fence: 2,
        trackingId: 'charge-17',
        error: { code: 'lapsed_after_start' },
        task: TASK,
      });
      const again = await store.claim(request({ effect: 'once' }, rest));
      expect(again).toMatchObject({ kind: 'inDoubt', fresh: false });
    });
  });

  test('one key in two namespaces is two operations', async () => {
    const { store, request } = bench();
    const shop = request();
    const bank = 'bank' as Namespace;
    await store.claim(shop);
    expect(await store.claim(request({ namespace: bank }))).toMatchObject({ kind: 'claimed' });
    const token = keyToken(bank, 'order-17');
    expect(await store.claim(request({ namespace: bank, token }))).toMatchObject({
      kind: 'claimed',
    });
  });
}
