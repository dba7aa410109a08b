import { describe, expect, test } from 'vitest';
import type { Claim } from '../../../functions/src/ports/token-store.ts';
import {
  benchFor,
  bringTo,
  ERROR,
  LIVE_MS,
  OUTBOX,
  RESULT,
  SHORT_MS,
  TASK,
  won,
} from './fixture.ts';
import type { Backend } from './fixture.ts';
import { GIVEN, OVERRIDES } from './override-verbs.ts';

/** What a person's interventions do. */
export function overrideEffectContract(backend: Backend): void {
  const bench = benchFor(backend);

  describe('retention', () => {
    test('extend lengthens a life by what was asked, and one that is over from now on', async () => {
      const { store, request, found, override } = bench();
      const asked = request();
      await bringTo(bench(), 'completed', asked);
      const { record } = await found(asked);
      const expireAt = 'expireAt' in record ? record.expireAt : 0;
      await override(asked, OVERRIDES.extend);
      expect((await found(asked)).record).toHaveProperty('expireAt', expireAt + 5_000);

      await override(asked, OVERRIDES.expire);
      const now = store.now();
      await override(asked, { verb: 'extend', byMs: LIVE_MS });
      const { record: extended } = await found(asked);
      expect('expireAt' in extended && extended.expireAt).toBeGreaterThanOrEqual(now + LIVE_MS - 1);
    });

    test('hold keeps an expired operation hot, unhold lets it go', async () => {
      const { request, override, archive } = bench();
      const asked = request();
      await bringTo(bench(), 'completed', asked);
      await override(asked, OVERRIDES.expire);
      await override(asked, OVERRIDES.hold);
      expect(await archive(asked)).toEqual({ kind: 'lost' });
      await override(asked, OVERRIDES.unhold);
      expect(await archive(asked)).toMatchObject({ kind: 'settled' });
    });

    test('expire ends a life at once, a held one as well', async () => {
      const { request, override, archive } = bench();
      const asked = request();
      await bringTo(bench(), 'completed', asked);
      await override(asked, OVERRIDES.hold);
      await override(asked, OVERRIDES.expire);
      expect(await archive(asked)).toMatchObject({ kind: 'settled' });
    });
  });

  describe('doubt', () => {
    test('resolved as done is replayed with the result that the person gave', async () => {
      const { store, request, override } = bench();
      const asked = request({ effect: 'once' });
      await bringTo(bench(), 'in_doubt', asked);
      await override(asked, OVERRIDES.resolve_done);
      expect(await store.claim(request({ effect: 'once' }))).toMatchObject({
        kind: 'replayed',
        found: { record: { status: 'completed', result: GIVEN, sent: true } },
      });
    });

    test('of a task, resolved as done, still has follow-ups to derive and is due for that', async () => {
      const { store, request, found, override, advance } = bench();
      const asked = request({ effect: 'once' }, { task: TASK });
      await bringTo(bench(), 'in_doubt', asked);
      await override(asked, OVERRIDES.resolve_done);
      const stands = { outbox: { kind: 'pending' }, sent: false, task: TASK };
      expect((await found(asked)).record).toMatchObject(stands);
      await advance(1);
      const { operations } = await store.due(0, { limit: 10 });
      expect(operations.map(({ record }) => record.token)).toEqual([asked.facts.token]);
    });

    test.each(['once', 'reconcilable'] as const)(
      'about a %s effect, resolved as not done, is free to run without a question',
      async (effect) => {
        const { store, request, win, override } = bench();
        const asked = request({ effect });
        const started = await store.start(await win(asked), 'charge-17');
        await store.doubt((started as { claim: Claim }).claim, ERROR);
        await override(asked, OVERRIDES.resolve_not_done);
        const answer = won(await store.claim(request({ effect })));
        expect(answer).not.toHaveProperty('reconcile');
        expect(answer.claim).toMatchObject({ started: false, trackingId: 'charge-17' });
      },
    );

    test('resolved as not done is free for all the attempts that a step has', async () => {
      const { store, request, win, override, advance } = bench();
      const asked = request();
      for (let attempt = 1; attempt <= 3; attempt += 1) {
        const claim = await win(request());
        expect(claim.attempt).toBe(attempt);
        if (attempt < 3) await store.release(claim, { waitMs: 0, started: true });
        else await store.doubt(claim, ERROR);
        await advance(1);
      }
      await override(asked, OVERRIDES.resolve_not_done);
      const claim = await win(request());
      expect(claim).toMatchObject({ attempt: 1, fence: 5 });
    });
  });

  describe('force release', () => {
    test('ends a live claim at once, and the next one gets the token', async () => {
      const { request, win, override } = bench();
      const asked = request();
      await win(asked);
      await override(asked, OVERRIDES.force_release);
      expect(await win(request())).toMatchObject({ fence: 3 });
    });

    test('ends a wait at once', async () => {
      const { request, win, override } = bench();
      const asked = request();
      await bringTo(bench(), 'released', asked);
      await override(asked, OVERRIDES.force_release);
      expect(await win(request())).toMatchObject({ fence: 3 });
    });

    test('leaves what was started a question', async () => {
      const { store, request, win, override } = bench();
      const reconcilable = request({ effect: 'reconcilable' });
      await store.start(await win(reconcilable), 'charge-17');
      await override(reconcilable, OVERRIDES.force_release);
      const answer = won(await store.claim(request({ effect: 'reconcilable' })));
      expect(answer.reconcile).toMatchObject({ trackingId: 'charge-17' });
    });

    test('has the question count from the end of the lease that its holder still believes in', async () => {
      const { store, request, win, found, override } = bench();
      const asked = request({ effect: 'reconcilable' });
      await store.start(await win(asked), 'charge-17');
      const { updatedAt } = await found(asked);
      await override(asked, OVERRIDES.force_release);
      const { reconcile } = won(await store.claim(request({ effect: 'reconcilable' })));
      expect(reconcile?.lapsedAt).toBeGreaterThanOrEqual(updatedAt + LIVE_MS);
    });

    test('leaves an idempotent effect as one that may have been sent', async () => {
      const { request, win, override } = bench();
      const asked = request({ effect: 'idempotent' });
      await win(asked);
      await override(asked, OVERRIDES.force_release);
      expect(await win(request({ effect: 'idempotent' }))).toMatchObject({ started: true });
    });

    test('leaves a started once effect in doubt', async () => {
      const { store, request, win, override, advance } = bench();
      const asked = request({ effect: 'once' });
      await store.start(await win(asked), 'charge-17');
      await override(asked, OVERRIDES.force_release);
      await advance(SHORT_MS);
      expect(await store.claim(request({ effect: 'once' }))).toMatchObject({ kind: 'inDoubt' });
    });
  });

  describe('purge', () => {
    test('erases params and result, and that it happened stays known', async () => {
      const { store, request, win, found, override } = bench();
      const asked = request({}, { task: TASK });
      const settled = await store.complete(await win(asked), { result: RESULT, outbox: OUTBOX });
      const { namespace, token } = asked.facts;
      await store.markSent(namespace, token, 'revision' in settled ? settled.revision : '');
      await override(asked, OVERRIDES.purge);
      const text = JSON.stringify((await found(asked)).record);
      for (const { text: payload } of [TASK, RESULT, OUTBOX]) {
        expect(text).not.toContain(JSON.stringify(payload));
      }
      expect(await store.claim(request())).toMatchObject({
        kind: 'replayed',
        found: { record: { status: 'completed', result: { kind: 'purged' } } },
      });
    });

    test('erases what an error said, and keeps its code', async () => {
      const { store, request, override } = bench();
      const asked = request();
      await bringTo(bench(), 'failed', asked);
      await override(asked, OVERRIDES.purge);
      expect(await store.claim(request())).toMatchObject({
        kind: 'replayed',
        found: { record: { error: { code: ERROR.code, message: 'purged' } } },
      });
    });
  });
}
