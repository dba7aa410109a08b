import { describe, expect, test } from 'vitest';
import type { Claim } from '../../../functions/src/ports/token-store.ts';
import { keyToken } from '../../../functions/src/token/token.ts';
import { benchFor, ERROR, LIVE_MS, OUTBOX, RESULT, SHORT_MS, TASK, won } from './fixture.ts';
import type { Backend } from './fixture.ts';
import { HOLDER_VERBS, VERBS } from './holder-verbs.ts';

const SETTLING = VERBS.filter((verb) => verb !== 'start' && verb !== 'renew');

/** What a claim's holder may write, until when, and what it finds where it is late. */
export function holderContract(backend: Backend): void {
  const bench = benchFor(backend);

  describe('the holder', () => {
    test('completes with result and follow-ups in one write, by the time of the store', async () => {
      const { store, request, win, found, faulty } = bench();
      const asked = request({}, { task: TASK });
      const claim = await win(asked);
      const writesBefore = faulty.writes();
      const answer = await store.complete(claim, { result: RESULT, outbox: OUTBOX });
      expect(faulty.writes() - writesBefore).toBe(1);
      const { record, revision, updatedAt } = await found(asked);
      expect(answer).toEqual({ kind: 'settled', revision, at: updatedAt });
      expect(record).toMatchObject(HOLDER_VERBS.complete.stands);
      for (const gone of ['leaseMs', 'holder', 'task']) expect(record).not.toHaveProperty(gone);
      const { completedAt, expireAt } = record as { completedAt: number; expireAt: number };
      expect(expireAt - completedAt).toBeCloseTo(asked.facts.retention.ttlMs, -1);
      expect(completedAt).toBeLessThanOrEqual(updatedAt);
      expect(completedAt).toBeGreaterThan(updatedAt - LIVE_MS);
    });

    test('whose result leads to nothing leaves nothing to publish', async () => {
      const { store, request, win, found } = bench();
      const asked = request({}, { task: TASK });
      await store.complete(await win(asked), { result: RESULT });
      const { record } = await found(asked);
      expect(record).toMatchObject({ status: 'completed', sent: true });
      expect(record).not.toHaveProperty('outbox');
      expect(record).not.toHaveProperty('dueAt');
    });

    test('whose follow-ups are still to be derived leaves the task for that', async () => {
      const { store, request, win, found } = bench();
      const asked = request({}, { task: TASK });
      await store.complete(await win(asked), { result: RESULT, outbox: { kind: 'pending' } });
      expect((await found(asked)).record).toMatchObject({
        outbox: { kind: 'pending' },
        sent: false,
        task: TASK,
      });
    });

    test('marks follow-ups as sent, after which nothing of them is kept', async () => {
      const { store, request, win, found } = bench();
      const asked = request({}, { task: TASK });
      const settled = await store.complete(await win(asked), { result: RESULT, outbox: OUTBOX });
      const { namespace, token } = asked.facts;
      await store.markSent(namespace, token, 'revision' in settled ? settled.revision : '');
      const { record } = await found(asked);
      expect(record).toMatchObject({ status: 'completed', result: RESULT, sent: true });
      expect(record).not.toHaveProperty('outbox');
      expect(record).not.toHaveProperty('dueAt');
    });

    test('whose record was touched before the mark leaves it unsent: published again, not lost', async () => {
      const { store, request, win, found, override } = bench();
      const asked = request();
      const settled = await store.complete(await win(asked), { result: RESULT, outbox: OUTBOX });
      await override(asked, { verb: 'hold' });
      const { namespace, token } = asked.facts;
      await store.markSent(namespace, token, 'revision' in settled ? settled.revision : '');
      expect((await found(asked)).record).toMatchObject({ sent: false, outbox: OUTBOX });
    });

    test('fails for good, and keeps the error', async () => {
      const { store, request, win, found } = bench();
      const asked = request({}, { task: TASK });
      await store.fail(await win(asked), ERROR);
      const { record } = await found(asked);
      expect(record).toMatchObject({ ...HOLDER_VERBS.fail.stands, claimId: asked.claimId });
      expect(record).not.toHaveProperty('task');
      expect(record).toHaveProperty('expireAt');
    });

    test('gives back what nobody acts on: free at once, and the attempt does not count', async () => {
      const { store, request, win, found } = bench();
      const asked = request({}, { task: TASK });
      await store.giveBack(await win(asked));
      expect((await found(asked)).record).toMatchObject({ status: 'released', attempt: 0 });
      expect(await win(request())).toMatchObject({ fence: 2, attempt: 1, redrivable: true });
    });

    test('gives nothing back once it was acted on under the same claim', async () => {
      const { store, request, win, found } = bench();
      const asked = request();
      const late = await win(asked);
      const again = won(await store.claim(asked));
      expect(again.standing).toBe(true);
      await store.start(again.claim, 'charge-17');
      await store.giveBack(late);
      expect((await found(asked)).record).toMatchObject({ status: 'claimed', started: true });
    });

    test('that takes over leaves its task where the first one had none', async () => {
      const { store, request, win, found } = bench();
      await store.release(await win(request()), { waitMs: 0, started: false });
      const asked = request({}, { task: TASK });
      await win(asked);
      expect((await found(asked)).record).toMatchObject({ task: TASK, dueAt: expect.any(Number) });
    });

    test('releases for later, and the task stays for whoever comes next', async () => {
      const { store, request, win, found } = bench();
      const asked = request({}, { task: TASK });
      await store.release(await win(asked), { waitMs: LIVE_MS, error: ERROR, started: false });
      const { record, updatedAt } = await found(asked);
      expect(record).toMatchObject({ status: 'released', error: ERROR, task: TASK });
      expect(record).toHaveProperty('notBefore', expect.closeTo(updatedAt + LIVE_MS, -4));
      expect(record).not.toHaveProperty('leaseMs');
    });

    test('releases an attempt that does not count', async () => {
      const { store, request, win } = bench();
      await store.release(await win(request()), { waitMs: 0, started: false, uncounted: true });
      await bench().advance(1);
      expect(won(await store.claim(request())).claim).toMatchObject({ fence: 2, attempt: 1 });
    });

    test('that releases what it had started leaves the question, unless nothing happened', async () => {
      const { store, request, win } = bench();
      const effect = 'reconcilable';
      const asking = await store.start(await win(request({ effect })), 'charge-17');
      const { claim } = asking as { claim: Claim };
      await store.release(claim, { waitMs: 0, error: ERROR, started: true });
      await bench().advance(1);
      const next = won(await store.claim(request({ effect })));
      expect(next.reconcile).toMatchObject({ trackingId: 'charge-17' });
      await store.release(next.claim, { waitMs: 0, error: ERROR, started: false });
      await bench().advance(1);
      const last = won(await store.claim(request({ effect })));
      expect(last).not.toHaveProperty('reconcile');
      expect(last.claim).toMatchObject({ started: false, trackingId: 'charge-17', fence: 3 });
    });

    test('starts once, however often it says so, and each time lengthens its lease', async () => {
      const { store, request, win, found, advance } = bench();
      const asked = request();
      const claim = await win(asked);
      const first = await store.start(claim, 'charge-17');
      const afterFirst = await found(asked);
      await advance(SHORT_MS);
      const second = await store.start(claim, 'charge-17');
      const afterSecond = await found(asked);
      expect([first.kind, second.kind]).toEqual(['held', 'held']);
      expect(afterSecond.record).toMatchObject({ ...HOLDER_VERBS.start.stands, fence: 1 });
      expect(afterSecond.updatedAt - afterFirst.updatedAt).toBeGreaterThanOrEqual(SHORT_MS);
    });

    test('renews its lease by its own length from now', async () => {
      const { store, request, win, advance } = bench();
      const claim = await win(request());
      const before = await store.claim(request());
      await advance(SHORT_MS);
      expect(await store.renew(claim)).toMatchObject({ kind: 'held' });
      const after = await store.claim(request());
      const [was, is] = [before, after].map((answer) => ('until' in answer ? answer.until : 0));
      expect(is! - was!).toBeGreaterThanOrEqual(SHORT_MS);
    });

    test.each(VERBS)('can %s with a claim from before its last write', async (verb) => {
      const { store, request, win, found } = bench();
      const asked = request();
      const claim = await win(asked);
      await store.renew(claim);
      const answer = await HOLDER_VERBS[verb].write(store, claim);
      expect(answer.kind).toMatch(/held|settled/);
      expect((await found(asked)).record).toMatchObject(HOLDER_VERBS[verb].stands);
    });

    test.each(VERBS)('can %s after its lease, as long as nobody took over', async (verb) => {
      const { store, request, win, found, advance } = bench();
      const asked = request({}, { leaseMs: SHORT_MS });
      const claim = await win(asked);
      await advance(SHORT_MS);
      const answer = await HOLDER_VERBS[verb].write(store, claim);
      expect(answer.kind).toMatch(/held|settled/);
      expect((await found(asked)).record).toMatchObject(HOLDER_VERBS[verb].stands);
    });

    test.each(SETTLING)('that says %s twice settles once', async (verb) => {
      const { store, request, win, found } = bench();
      const asked = request();
      const claim = await win(asked);
      const first = await HOLDER_VERBS[verb].write(store, claim);
      const before = await found(asked);
      const second = await HOLDER_VERBS[verb].write(store, claim);
      expect([first.kind, second.kind]).toEqual(['settled', 'settled']);
      expect(second).toHaveProperty('revision', before.revision);
      expect(await found(asked)).toEqual(before);
    });

    describe.each(SETTLING)('that has settled by %s', (settled) => {
      const others = VERBS.filter((verb) => verb !== settled);
      test.each(others)('is not told that a later %s stands', async (verb) => {
        const { store, request, win, found } = bench();
        const asked = request();
        const claim = await win(asked);
        await HOLDER_VERBS[settled].write(store, claim);
        const before = await found(asked);
        expect(await HOLDER_VERBS[verb].write(store, claim)).toEqual({ kind: 'lost' });
        expect(await found(asked)).toEqual(before);
      });
    });

    test.each(VERBS)('of a token that is forgotten can not %s', async (verb) => {
      const { store, request, win } = bench();
      const claim = await win(request());
      const token = keyToken(claim.namespace, 'order-18');
      const answer = await HOLDER_VERBS[verb].write(store, { ...claim, token });
      expect(answer).toEqual({ kind: 'lost' });
      expect(await store.get(claim.namespace, token)).toBeUndefined();
    });
  });
}
