import { describe, expect, test } from 'vitest';
import { benchFor, RESULT, SHORT_MS } from './fixture.ts';
import type { Backend } from './fixture.ts';
import { HOLDER_VERBS, VERBS } from './holder-verbs.ts';

/** A holder that comes too late records nothing, and nobody holds what was cancelled first. */
export function lateHolderContract(backend: Backend): void {
  const bench = benchFor(backend);

  describe.each(VERBS)('a late holder that would %s', (verb) => {
    test('has lost to whoever took over, before and after that one settles', async () => {
      const { store, request, win, found, advance } = bench();
      const late = await win(request({}, { leaseMs: SHORT_MS }));
      await advance(SHORT_MS);
      const next = request();
      const claim = await win(next);
      const held = await found(next);
      expect(await HOLDER_VERBS[verb].write(store, late)).toEqual({ kind: 'lost' });
      expect(await found(next)).toEqual(held);

      await store.complete(claim, { result: RESULT });
      const settled = await found(next);
      expect(await HOLDER_VERBS[verb].write(store, late)).toEqual({ kind: 'lost' });
      expect(await found(next)).toEqual(settled);
    });

    test('has lost to a person who released the token', async () => {
      const { store, request, win, found, override } = bench();
      const asked = request();
      const late = await win(asked);
      await override(asked, { verb: 'force_release' });
      const released = await found(asked);
      expect(await HOLDER_VERBS[verb].write(store, late)).toEqual({ kind: 'lost' });
      expect(await found(asked)).toEqual(released);
    });

    test('has lost to the doubt that its lapse raised', async () => {
      const { store, request, win, found, advance } = bench();
      const effect = 'once';
      const asked = request({ effect }, { leaseMs: SHORT_MS });
      const late = await win(asked);
      await store.start(late, 'charge-17');
      await advance(SHORT_MS);
      expect(await store.claim(request({ effect }))).toMatchObject({ kind: 'inDoubt' });
      const doubted = await found(asked);
      expect(await HOLDER_VERBS[verb].write(store, late)).toEqual({ kind: 'lost' });
      expect(await found(asked)).toEqual(doubted);
    });
  });

  describe('cancelling', () => {
    test('before any claim puts a record in its place, which ends like any other', async () => {
      const { store, request, found } = bench();
      const asked = request();
      const cancelled = await store.cancel(asked, 'customer left');
      expect(cancelled.record).toMatchObject({ status: 'cancelled', attempt: 0 });
      expect(await found(asked)).toEqual(cancelled);
      expect(cancelled.record).toHaveProperty('expireAt');
    });

    test('again answers the first, unchanged', async () => {
      const { store, request } = bench();
      const first = await store.cancel(request(), 'customer left');
      expect(await store.cancel(request(), 'another reason')).toEqual(first);
    });

    test('after a claim answers what stands there, and changes nothing', async () => {
      const { store, request, win, found } = bench();
      const asked = request();
      const claim = await win(asked);
      const before = await found(asked);
      expect(await store.cancel(request(), 'customer left')).toEqual(before);
      expect(await store.complete(claim, { result: RESULT })).toMatchObject({ kind: 'settled' });
    });
  });
}
