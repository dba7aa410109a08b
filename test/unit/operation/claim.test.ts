import { describe, expect, test } from 'vitest';
import { decideClaim } from '../../../functions/src/operation/claim.ts';
import type { ClaimRequest } from '../../../functions/src/operation/claim.ts';
import type { OperationRecord } from '../../../functions/src/operation/record.ts';
import {
  claimRequest,
  MADE_AT,
  RECORDS,
  RETENTION,
  stored,
} from '../../support/operation-records.ts';

const WRITTEN_AT = MADE_AT + 5_000;
const LEASE_MS = RECORDS.claimed.leaseMs;
const LEASE_END = WRITTEN_AT + LEASE_MS;
const NOT_BEFORE = RECORDS.released.notBefore;
const TRACKED = { started: true, trackingId: 'charge-17' } as const;

/** What a read at `storeNow` decides about a record that was last written at `WRITTEN_AT`. */
function decide(record: OperationRecord, storeNow: number, request: ClaimRequest = claimRequest()) {
  return decideClaim(stored(record, WRITTEN_AT), request, storeNow);
}

describe('nothing under the token', () => {
  test('the claim is to be created', () => {
    expect(decideClaim(undefined, claimRequest(), MADE_AT)).toEqual({ kind: 'create' });
  });

  test('a task exactly as old as records are remembered may still be claimed', () => {
    const storeNow = MADE_AT + RETENTION.forgetMs;
    expect(decideClaim(undefined, claimRequest(), storeNow)).toEqual({ kind: 'create' });
  });

  test('an older task is expired, since whether it ran is no longer known', () => {
    const storeNow = MADE_AT + RETENTION.forgetMs + 1;
    expect(decideClaim(undefined, claimRequest(), storeNow)).toEqual({ kind: 'expired' });
  });

  test('a class whose stubs are kept longer makes no older task welcome: an earlier one may have forgotten it', () => {
    const retention = { ...RETENTION, forgetMs: 2 * RETENTION.forgetMs };
    const asked = claimRequest({ retention });
    const storeNow = MADE_AT + RETENTION.forgetMs + 1;
    expect(decideClaim(undefined, asked, storeNow)).toEqual({ kind: 'expired' });
  });

  test('a task from a clock that is ahead of the store is claimed', () => {
    expect(decideClaim(undefined, claimRequest(), MADE_AT - 60_000)).toEqual({ kind: 'create' });
  });
});

describe('my own claim id', () => {
  const mine = claimRequest({}, { claimId: RECORDS.claimed.claimId });

  test('a claim whose answer was lost is found again while its lease lives', () => {
    expect(decide(RECORDS.claimed, WRITTEN_AT, mine)).toEqual({ kind: 'holding' });
  });

  test('it is found again after its lease, as long as nobody took it over', () => {
    expect(decide(RECORDS.claimed, LEASE_END + 1, mine)).toEqual({ kind: 'holding' });
  });

  test('a take-over of a started reconcilable effect, found again, still asks the provider first', () => {
    const taken = { ...RECORDS.claimed, ...TRACKED, effect: 'reconcilable' } as const;
    expect(decide(taken, WRITTEN_AT, mine)).toEqual({
      kind: 'holding',
      reconcile: { trackingId: 'charge-17', lapsedAt: WRITTEN_AT },
    });
  });

  test('that question counts from when a holder cut off by a person stopped sending, if later', () => {
    const taken = { ...RECORDS.claimed, ...TRACKED, effect: 'reconcilable' } as const;
    for (const [cutOffUntil, lapsedAt] of [
      [WRITTEN_AT - 1, WRITTEN_AT],
      [WRITTEN_AT + 1, WRITTEN_AT + 1],
    ] as const) {
      expect(decide({ ...taken, cutOffUntil }, WRITTEN_AT, mine)).toMatchObject({
        reconcile: { lapsedAt },
      });
    }
  });

  test('once it is settled, its claimant is answered like anyone else', () => {
    expect(decide(RECORDS.completed, WRITTEN_AT, mine).kind).toBe('replayed');
    expect(decide(RECORDS.released, NOT_BEFORE, mine).kind).toBe('takeOver');
  });
});

describe('another request hash', () => {
  const other = claimRequest({ requestHash: 'r1_refund' });

  test.each(Object.values(RECORDS))('is a mismatch with a record that is $status', (record) => {
    expect(decide(record, LEASE_END + 1, other)).toEqual({ kind: 'mismatch', part: 'request' });
  });

  test('is a mismatch before the context is looked at', () => {
    const request = claimRequest(
      { requestHash: 'r1_refund', contextHash: 'c1_new' },
      { strictContext: true },
    );
    expect(decide(RECORDS.completed, LEASE_END, request)).toMatchObject({ part: 'request' });
  });
});

describe('another context hash', () => {
  const recorded = { ...RECORDS.completed, contextHash: 'c1_old' };
  const request = claimRequest({ contextHash: 'c1_new' });

  test('is replayed, with the drift told', () => {
    const decision = decide(recorded, LEASE_END, request);
    expect(decision).toEqual({ kind: 'replayed', record: recorded, drift: true });
  });

  test('is told where only one of the two has a context', () => {
    expect(decide(RECORDS.completed, LEASE_END, request)).toMatchObject({ drift: true });
    expect(decide(recorded, LEASE_END)).toMatchObject({ drift: true });
  });

  test('the same context is no drift, however strict the action', () => {
    const same = claimRequest({ contextHash: 'c1_old' }, { strictContext: true });
    expect(decide(recorded, LEASE_END, same)).toMatchObject({ kind: 'replayed', drift: false });
  });

  test('is a mismatch where the action is strict about it', () => {
    const strict = { ...request, strictContext: true };
    expect(decide(recorded, LEASE_END, strict)).toEqual({ kind: 'mismatch', part: 'context' });
  });

  test('does not keep a lapsed operation from being taken over', () => {
    const lapsed = { ...RECORDS.claimed, contextHash: 'c1_old' };
    expect(decide(lapsed, LEASE_END, request)).toEqual({ kind: 'takeOver' });
  });
});

describe('settled', () => {
  test.each([RECORDS.completed, RECORDS.failed])('a $status record is replayed', (record) => {
    expect(decide(record, WRITTEN_AT)).toEqual({ kind: 'replayed', record, drift: false });
  });

  test.each([RECORDS.completed, RECORDS.failed])(
    'a $status record is replayed long after its life has ended, until it is forgotten',
    (record) => {
      const decision = decide(record, record.expireAt + 1_000 * RETENTION.ttlMs);
      expect(decision).toEqual({ kind: 'replayed', record, drift: false });
    },
  );

  test.each(['completed', 'failed'] as const)('an archived %s record is replayed', (outcome) => {
    const record = { ...RECORDS.archived, outcome };
    expect(decide(record, record.forgetAt + 1)).toEqual({ kind: 'replayed', record, drift: false });
  });

  test('a cancelled record is cancelled, hot or archived', () => {
    const archived = { ...RECORDS.archived, outcome: 'cancelled' } as const;
    for (const record of [RECORDS.cancelled, archived]) {
      expect(decide(record, WRITTEN_AT)).toEqual({ kind: 'cancelled', record });
    }
  });

  test('a record in doubt stays in doubt, however late', () => {
    const record = RECORDS.in_doubt;
    expect(decide(record, LEASE_END + RETENTION.ttlMs)).toEqual({ kind: 'inDoubt', record });
  });
});

/** Claimed and lapsed, or released and free: the two ways in which a token has nobody. */
describe.each([
  { way: 'claimed', record: RECORDS.claimed, freeAt: LEASE_END, lapsedAt: LEASE_END },
  { way: 'released', record: RECORDS.released, freeAt: NOT_BEFORE, lapsedAt: WRITTEN_AT },
])('$way', ({ record, freeAt, lapsedAt }) => {
  test('up to the last instant before it is free, it is in flight until then', () => {
    for (const storeNow of [WRITTEN_AT, freeAt - 0.001]) {
      expect(decide(record, storeNow)).toEqual({
        kind: 'inFlight',
        until: freeAt,
        holder: 'message:a',
      });
    }
  });

  test.each(['pure', 'idempotent', 'reconcilable', 'once'] as const)(
    'a %s effect that was not started is taken over from the very instant on',
    (effect) => {
      for (const storeNow of [freeAt, freeAt + 1, freeAt + RETENTION.ttlMs]) {
        expect(decide({ ...record, effect }, storeNow)).toEqual({ kind: 'takeOver' });
      }
    },
  );

  test.each(['pure', 'idempotent'] as const)(
    'a %s effect is taken over even if it was started',
    (effect) => {
      expect(decide({ ...record, ...TRACKED, effect }, freeAt)).toEqual({ kind: 'takeOver' });
    },
  );

  test('a started reconcilable effect is taken over with a question to the provider', () => {
    const started = { ...record, ...TRACKED, effect: 'reconcilable' } as const;
    expect(decide(started, freeAt - 0.001).kind).toBe('inFlight');
    expect(decide(started, freeAt + 7)).toEqual({
      kind: 'takeOver',
      reconcile: { trackingId: 'charge-17', lapsedAt },
    });
  });

  test('the question counts from when a holder cut off by a person stopped sending, if later', () => {
    const started = { ...record, ...TRACKED, effect: 'reconcilable' } as const;
    const cutOff = (cutOffUntil: number) => decide({ ...started, cutOffUntil }, freeAt);
    expect(cutOff(lapsedAt - 1)).toMatchObject({ reconcile: { lapsedAt } });
    expect(cutOff(lapsedAt + 1)).toMatchObject({ reconcile: { lapsedAt: lapsedAt + 1 } });
  });

  test('a started reconcilable effect without a tracking id can only be doubted', () => {
    const started = { ...record, started: true, effect: 'reconcilable' } as const;
    expect(decide(started, freeAt)).toEqual({ kind: 'doubt', record: started });
  });

  test('a started once effect goes into doubt, and not before it is free', () => {
    const started = { ...record, ...TRACKED, effect: 'once' } as const;
    expect(decide(started, freeAt - 0.001).kind).toBe('inFlight');
    expect(decide(started, freeAt)).toEqual({ kind: 'doubt', record: started });
  });

  test('what the recorded effect is counts, not what the request says after a deploy', () => {
    const started = { ...record, ...TRACKED, effect: 'once' } as const;
    const request = claimRequest({ effect: 'pure' });
    expect(decide(started, freeAt, request).kind).toBe('doubt');
  });
});

describe('a step that was declared anew while an operation of it was open', () => {
  const asked = (effect: ClaimRequest['facts']['effect']) => claimRequest({ effect });
  const idempotent = { ...RECORDS.claimed, effect: 'idempotent' } as const;

  test('counts as once for what was started as such, whatever the record says', () => {
    const record = { ...idempotent, ...TRACKED };
    expect(decide(record, LEASE_END + 1, asked('once'))).toEqual({ kind: 'doubt', record });
  });

  test('counts as once as well where the record says once and the new build does not', () => {
    const record = { ...idempotent, ...TRACKED, effect: 'once' } as const;
    expect(decide(record, LEASE_END + 1, asked('idempotent'))).toEqual({ kind: 'doubt', record });
  });

  test('leaves a question where an idempotent holder vanished, which records no start', () => {
    expect(decide(idempotent, LEASE_END + 1, asked('once')).kind).toBe('doubt');
    expect(decide(idempotent, LEASE_END + 1, asked('idempotent')).kind).toBe('takeOver');
  });

  test('is asked about by its tracking id where the new build can ask', () => {
    const record = { ...idempotent, ...TRACKED };
    expect(decide(record, LEASE_END + 1, asked('reconcilable'))).toEqual({
      kind: 'takeOver',
      reconcile: { trackingId: 'charge-17', lapsedAt: LEASE_END },
    });
  });
});
