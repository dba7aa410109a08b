import { describe, expect, test } from 'vitest';
import type { ClaimRequest } from '../../../functions/src/operation/claim.ts';
import type { Namespace } from '../../../functions/src/token/token.ts';
import { WINDOW_MS, windowedTokens } from '../../../functions/src/token/window.ts';
import { benchFor, OUTBOX, RESULT, SHORT_MS, won } from './fixture.ts';
import type { Backend, Bench } from './fixture.ts';

const COMPONENTS = {
  namespace: 'shop' as Namespace,
  scope: 'global',
  agent: 'payments',
  action: 'payments.charge',
  requestHash: 'r1_charge',
};

/** The first instant of the bucket that begins next, by the store's time. */
function boundaryOf({ store }: Bench): number {
  return Math.ceil(store.now() / WINDOW_MS) * WINDOW_MS;
}

/** Claims without an explicit key, each made at its own time. */
export function windowContract(backend: Backend): void {
  const bench = benchFor(backend);

  function madeAt(at: number, rest: Partial<ClaimRequest> = {}): ClaimRequest {
    const { token, neighbours } = windowedTokens(COMPONENTS, at);
    const window = { neighbours, lengthMs: WINDOW_MS };
    return bench().request({ token, root: token, madeAt: at }, { window, ...rest });
  }

  describe('a claim by window', () => {
    test('is won where neither it nor a twin was made', async () => {
      const { store, found } = bench();
      const asked = madeAt(boundaryOf(bench()));
      const { claim } = won(await store.claim(asked));
      expect(claim).toMatchObject({ token: asked.facts.token, fence: 1, attempt: 1 });
      expect((await found(asked)).record).toMatchObject({ ...asked.facts, status: 'claimed' });
    });

    test('finds its twin in the same bucket', async () => {
      const { store } = bench();
      const boundary = boundaryOf(bench());
      const first = madeAt(boundary);
      await store.claim(first);
      expect(await store.claim(madeAt(boundary + WINDOW_MS - 1))).toMatchObject({
        kind: 'inFlight',
        holder: first.holder,
      });
    });

    test.each([
      { where: 'the previous bucket', firstAt: -1, secondAt: 0 },
      { where: 'the next bucket', firstAt: 0, secondAt: -1 },
      { where: 'the previous bucket, almost a window ago', firstAt: -1, secondAt: WINDOW_MS - 2 },
      { where: 'the next bucket, almost a window ahead', firstAt: WINDOW_MS - 2, secondAt: -1 },
    ])('finds its twin in $where', async ({ firstAt, secondAt }) => {
      const { store, win } = bench();
      const boundary = boundaryOf(bench());
      const first = madeAt(boundary + firstAt);
      const second = madeAt(boundary + secondAt);
      expect(second.facts.token).not.toBe(first.facts.token);
      const claim = await win(first);
      expect(await store.claim(second)).toMatchObject({ kind: 'inFlight', holder: first.holder });
      await store.complete(claim, { result: RESULT, outbox: OUTBOX });
      expect(await store.claim(second)).toMatchObject({
        kind: 'replayed',
        found: { record: { token: first.facts.token, result: RESULT } },
      });
      expect(await store.get(second.facts.namespace, second.facts.token)).toBeUndefined();
    });

    test.each([
      { when: 'exactly a window before', firstAt: -1, secondAt: WINDOW_MS - 1 },
      { when: 'almost two windows before', firstAt: -WINDOW_MS, secondAt: WINDOW_MS - 1 },
      { when: 'exactly a window after', firstAt: WINDOW_MS - 1, secondAt: -1 },
    ])('does not count a neighbour made $when', async ({ firstAt, secondAt }) => {
      const { store } = bench();
      const boundary = boundaryOf(bench());
      const first = madeAt(boundary + firstAt);
      const second = madeAt(boundary + secondAt);
      expect(second.window?.neighbours).toContain(first.facts.token);
      await store.claim(first);
      const { claim } = won(await store.claim(second));
      expect(claim.token).toBe(second.facts.token);
    });

    test('takes a lapsed twin over under the token of the twin', async () => {
      const { store, advance, found } = bench();
      const boundary = boundaryOf(bench());
      const first = madeAt(boundary - 1, { leaseMs: SHORT_MS });
      await store.claim(first);
      await advance(SHORT_MS);
      const second = madeAt(boundary);
      const { claim } = won(await store.claim(second));
      expect(claim).toMatchObject({ token: first.facts.token, fence: 2, attempt: 2 });
      expect(await store.complete(claim, { result: RESULT })).toMatchObject({ kind: 'settled' });
      expect((await found(first)).record).toMatchObject({
        claimId: second.claimId,
        result: RESULT,
      });
    });

    test('asked again with its own claim id finds itself, under a twin as well', async () => {
      const { store, advance } = bench();
      const boundary = boundaryOf(bench());
      const first = madeAt(boundary - 1, { leaseMs: SHORT_MS });
      expect(won(await store.claim(first)).claim.fence).toBe(1);
      expect(won(await store.claim(first)).claim.fence).toBe(1);
      await advance(SHORT_MS);
      const second = madeAt(boundary);
      expect(won(await store.claim(second)).claim.fence).toBe(2);
      expect(won(await store.claim(second)).claim).toMatchObject({ fence: 2, attempt: 2 });
    });

    test('made longer ago than records are remembered is expired, and leaves nothing', async () => {
      const { store } = bench();
      const old = madeAt(boundaryOf(bench()) - 91 * 86_400_000);
      expect(await store.claim(old)).toEqual({ kind: 'expired' });
      expect(await store.get(old.facts.namespace, old.facts.token)).toBeUndefined();
    });

    test('has one winner among twenty at once from both sides of a boundary', async () => {
      const { store } = bench();
      const boundary = boundaryOf(bench());
      const requests = Array.from({ length: 20 }, (_, index) =>
        madeAt(index % 2 === 0 ? boundary - 1 - index : boundary + index),
      );
      const answers = await Promise.all(requests.map((request) => store.claim(request)));
      const kinds = answers.map(({ kind }) => kind).toSorted();
      expect(kinds).toEqual(['claimed', ...Array.from({ length: 19 }, () => 'inFlight')]);
    });
  });
}
