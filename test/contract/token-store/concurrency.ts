import { describe, expect, test } from 'vitest';
import { keyToken } from '../../../functions/src/token/token.ts';
import { benchFor, RESULT, SHORT_MS } from './fixture.ts';
import type { Backend } from './fixture.ts';

/** Many callers at once: never two live claims on one token. */
export function concurrencyContract(backend: Backend): void {
  const bench = benchFor(backend);

  describe.each([false, true])('callers at once, likely duplicates: %s', (likelyDuplicate) => {
    test('fifty claims have one winner, and the others are told who', async () => {
      const { store, request, found } = bench();
      const requests = Array.from({ length: 50 }, () => request({}, { likelyDuplicate }));
      const answers = await Promise.all(requests.map((asked) => store.claim(asked)));
      const winners = requests.filter((_, index) => answers[index]?.kind === 'claimed');
      expect(winners).toHaveLength(1);
      const [{ claimId, holder }] = winners as [(typeof requests)[0]];
      const others = answers.filter(({ kind }) => kind !== 'claimed');
      expect(others).toEqual(
        Array.from({ length: 49 }, () => expect.objectContaining({ kind: 'inFlight', holder })),
      );
      expect((await found(requests[0]!)).record).toMatchObject({ claimId, fence: 1, attempt: 1 });
    });

    test('twenty take-overs of a lapsed claim have one winner', async () => {
      const { store, request, win, advance, found } = bench();
      await win(request({}, { leaseMs: SHORT_MS }));
      await advance(SHORT_MS);
      const requests = Array.from({ length: 20 }, () => request({}, { likelyDuplicate }));
      const answers = await Promise.all(requests.map((asked) => store.claim(asked)));
      const kinds = answers.map(({ kind }) => kind).toSorted();
      expect(kinds).toEqual(['claimed', ...Array.from({ length: 19 }, () => 'inFlight')]);
      expect((await found(requests[0]!)).record).toMatchObject({ fence: 2, attempt: 2 });
    });
  });

  test('of a late completion and a take-over at once, exactly one comes through', async () => {
    const { store, request, win, advance } = bench();
    const tokens = Array.from({ length: 10 }, (_, index) =>
      keyToken(request().facts.namespace, `race-${index}`),
    );
    const late = await Promise.all(
      tokens.map((token) => win(request({ token }, { leaseMs: SHORT_MS }))),
    );
    await advance(SHORT_MS);
    const races = late.map(async (claim, index) => {
      const takeOver = () => store.claim(request({ token: claim.token }));
      const complete = () => store.complete(claim, { result: RESULT });
      const ordered = index % 2 === 0 ? [takeOver(), complete()] : [complete(), takeOver()];
      const kinds = (await Promise.all(ordered)).map(({ kind }) => kind);
      return kinds.toSorted().join(' and ');
    });
    for (const outcome of await Promise.all(races)) {
      expect(['claimed and lost', 'replayed and settled']).toContain(outcome);
    }
  });
}
