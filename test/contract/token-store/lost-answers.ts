import { describe, expect, test } from 'vitest';
import { StoreAway } from '../../../functions/src/operation/errors.ts';
import type { StoredOperation, TerminalRecord } from '../../../functions/src/operation/record.ts';
import type { Claim, Override } from '../../../functions/src/ports/token-store.ts';
import { WINDOW_MS, windowedTokens } from '../../../functions/src/token/window.ts';
import type { WriteFate } from '../../support/faulty-documents.ts';
import { RETENTION } from '../../support/operation-records.ts';
import { benchFor, bringTo, LIVE_MS, OUTBOX, POINTER, RESULT, SHORT_MS, won } from './fixture.ts';
import type { Backend, Standing } from './fixture.ts';
import { HOLDER_VERBS } from './holder-verbs.ts';

const FATES: readonly WriteFate[] = ['answer lost', 'request lost', 'repeated'];

const OVERRIDES: readonly { override: Override; standing: Standing; status: string }[] = [
  { override: { verb: 'extend', byMs: LIVE_MS }, standing: 'completed', status: 'completed' },
  { override: { verb: 'hold' }, standing: 'completed', status: 'completed' },
  { override: { verb: 'unhold' }, standing: 'completed', status: 'completed' },
  { override: { verb: 'expire' }, standing: 'completed', status: 'completed' },
  { override: { verb: 'resolve_done', result: RESULT }, standing: 'in_doubt', status: 'completed' },
  { override: { verb: 'resolve_not_done' }, standing: 'in_doubt', status: 'released' },
  { override: { verb: 'force_release' }, standing: 'claimed', status: 'released' },
  { override: { verb: 'purge' }, standing: 'completed', status: 'completed' },
];

/** Whatever became of a write, its verb finds out: nothing is done twice, nothing is taken for lost. */
export function lostAnswerContract(backend: Backend): void {
  const bench = benchFor(backend);

  describe.each(FATES)('a write whose fate is: %s', (fate) => {
    test('a first claim is won, once', async () => {
      const { store, request, faulty, found } = bench();
      const asked = request();
      faulty.befall(fate);
      const { claim } = won(await store.claim(asked));
      expect((await found(asked)).record).toMatchObject({ fence: 1, attempt: 1 });
      expect(claim).toMatchObject({ fence: 1, attempt: 1 });
      const writes = faulty.writes();
      expect(await store.complete(claim, { result: RESULT })).toMatchObject({ kind: 'settled' });
      expect(faulty.writes() - writes).toBe(1);
    });

    test('a take-over is won, once, and its question is not lost', async () => {
      const { store, request, win, faulty, found, advance } = bench();
      const effect = 'reconcilable';
      await store.start(await win(request({ effect }, { leaseMs: SHORT_MS })), 'charge-17');
      await advance(SHORT_MS);
      faulty.befall(fate);
      const asked = request({ effect });
      const { claim, reconcile } = won(await store.claim(asked));
      expect(reconcile).toMatchObject({ trackingId: 'charge-17' });
      expect(claim).toMatchObject({ fence: 2, attempt: 2, started: true });
      expect((await found(asked)).record).toMatchObject({ claimId: asked.claimId, fence: 2 });
    });

    test('a lapsed once effect is in doubt', async () => {
      const { store, request, win, faulty, found, advance } = bench();
      const effect = 'once';
      const asked = request({ effect }, { leaseMs: SHORT_MS });
      await store.start(await win(asked), 'charge-17');
      await advance(SHORT_MS);
      faulty.befall(fate);
      expect(await store.claim(request({ effect }))).toMatchObject({ kind: 'inDoubt' });
      expect((await found(asked)).record).toMatchObject({ status: 'in_doubt', fence: 2 });
    });

    test('a claim by window is won, or unknown and then found by asking again', async () => {
      const { store, request, faulty } = bench();
      const madeAt = Math.floor(store.now());
      const { facts } = request();
      const components = { ...facts, scope: 'global', madeAt };
      const { token, neighbours } = windowedTokens(components, madeAt);
      const window = { neighbours, lengthMs: WINDOW_MS };
      const asked = request({ token, root: token, madeAt }, { window });
      faulty.befall(fate);
      const first = await store.claim(asked).catch((error: unknown) => error);
      expect(first instanceof StoreAway || (first as { kind: string }).kind === 'claimed').toBe(
        true,
      );
      expect(won(await store.claim(asked)).claim).toMatchObject({ fence: 1, attempt: 1 });
    });

    test.each(Object.entries(HOLDER_VERBS))('%s stands', async (_verb, { write, stands }) => {
      const { store, request, win, faulty, found } = bench();
      const asked = request();
      const claim = await win(asked);
      faulty.befall(fate);
      const answer = await write(store, claim);
      expect(answer.kind).toMatch(/held|settled/);
      const { record, revision } = await found(asked);
      expect(record).toMatchObject({ ...stands, fence: 1 });
      const held = 'claim' in answer ? (answer.claim as Claim) : answer;
      expect(held).toHaveProperty('revision', revision);
    });

    test('follow-ups are marked as sent, or stay to be published again', async () => {
      const { store, request, win, faulty, found } = bench();
      const asked = request();
      const { namespace, token } = asked.facts;
      const settled = await store.complete(await win(asked), { result: RESULT, outbox: OUTBOX });
      faulty.befall(fate);
      await store.markSent(namespace, token, 'revision' in settled ? settled.revision : '');
      const { record } = await found(asked);
      expect(record).toMatchObject(
        fate === 'request lost' ? { sent: false, outbox: OUTBOX } : { sent: true },
      );
    });

    test('a token is cancelled, or a second asking cancels it', async () => {
      const { store, request, faulty, found } = bench();
      const asked = request();
      faulty.befall(fate);
      await store.cancel(asked, 'customer left').catch(() => store.cancel(asked, 'customer left'));
      expect((await found(asked)).record).toMatchObject({ status: 'cancelled', fence: 1 });
    });

    test.each(OVERRIDES)('$override.verb is done, once', async ({ override, standing, status }) => {
      const { request, faulty, found } = bench();
      const asked = request();
      await bringTo(bench(), standing, asked);
      const { record: before } = await found(asked);
      faulty.befall(fate);
      const answer = await bench().override(asked, override);
      const after = await found(asked);
      expect(answer).toEqual({ kind: 'overridden', found: after });
      expect(after.record).toMatchObject({ status, fence: before.fence + 1 });
      if (override.verb !== 'extend') return;
      const expireAt = 'expireAt' in before ? before.expireAt + override.byMs : 0;
      expect(after.record).toHaveProperty('expireAt', expireAt);
    });

    test('a life slides by one length at most', async () => {
      const { store, request, faulty, found, override } = bench();
      const asked = request();
      await bringTo(bench(), 'completed', asked);
      await override(asked, { verb: 'expire' });
      const operation = (await found(asked)) as StoredOperation<TerminalRecord>;
      faulty.befall(fate);
      await store.slide(operation);
      const { record } = await found(asked);
      const slid = 'expireAt' in record && record.expireAt - operation.record.completedAt;
      expect(slid).toBeLessThan(RETENTION.ttlMs + LIVE_MS);
    });

    test('a record is archived', async () => {
      const { store, request, faulty, found, override } = bench();
      const asked = request();
      await bringTo(bench(), 'completed', asked);
      await override(asked, { verb: 'expire' });
      const operation = (await found(asked)) as StoredOperation<TerminalRecord>;
      faulty.befall(fate);
      const answer = await store.archive(operation, POINTER);
      const { record, revision } = await found(asked);
      expect(answer).toMatchObject({ kind: 'settled', revision });
      expect(record).toMatchObject({ status: 'archived', pointer: POINTER });
    });
  });
}
