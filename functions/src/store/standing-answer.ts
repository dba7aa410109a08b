import type { ClaimDecision } from '../operation/claim.ts';
import type { InDoubtRecord, StoredOperation, TerminalRecord } from '../operation/record.ts';
import type { ClaimAnswer } from '../ports/token-store.ts';

/** Decisions that write nothing. */
export type Standing = Extract<
  ClaimDecision,
  { kind: 'expired' | 'mismatch' | 'replayed' | 'cancelled' | 'inFlight' | 'inDoubt' }
>;

/** What a caller is told of an operation as it stands, which `decision` was made of at store time `at`. */
export function standingAnswer(
  decision: Standing,
  found: StoredOperation | undefined,
  at: number,
): Exclude<ClaimAnswer, { kind: 'claimed' }> {
  switch (decision.kind) {
    case 'expired':
    case 'mismatch':
      return decision;
    case 'replayed': {
      const { drift } = decision;
      return { kind: 'replayed', found: found as StoredOperation<TerminalRecord>, drift };
    }
    case 'cancelled':
      return { kind: 'cancelled', found: found as StoredOperation<TerminalRecord> };
    case 'inFlight':
      return { ...decision, forMs: decision.until - at };
    case 'inDoubt':
      return { kind: 'inDoubt', found: found as StoredOperation<InDoubtRecord>, fresh: false };
  }
}
