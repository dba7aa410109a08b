import type { Claim, TokenStore } from '../../../functions/src/ports/token-store.ts';
import { ERROR, OUTBOX, RESULT } from './fixture.ts';

export type Verb = 'start' | 'renew' | 'complete' | 'fail' | 'release' | 'doubt';

/** What a holder can write, and how the record then stands. */
export const HOLDER_VERBS: Readonly<
  Record<
    Verb,
    { write(store: TokenStore, claim: Claim): Promise<{ kind: string }>; stands: object }
  >
> = {
  start: {
    write: (store, claim) => store.start(claim, 'charge-17'),
    stands: { status: 'claimed', trackingId: 'charge-17', started: true },
  },
  renew: { write: (store, claim) => store.renew(claim), stands: { status: 'claimed' } },
  complete: {
    write: (store, claim) => store.complete(claim, { result: RESULT, outbox: OUTBOX }),
    stands: { status: 'completed', result: RESULT, outbox: OUTBOX, sent: false },
  },
  fail: {
    write: (store, claim) => store.fail(claim, ERROR),
    stands: { status: 'failed', error: ERROR },
  },
  release: {
    write: (store, claim) => store.release(claim, { waitMs: 0, error: ERROR, started: false }),
    stands: { status: 'released', error: ERROR },
  },
  doubt: {
    write: (store, claim) => store.doubt(claim, ERROR),
    stands: { status: 'in_doubt', error: ERROR },
  },
};

export const VERBS = Object.keys(HOLDER_VERBS) as Verb[];
