import type { StoredOperation } from './record.ts';

/** The part of a claim that its later writes are judged by. */
export interface ClaimIdentity {
  readonly claimId: string;
  readonly fence: number;
}

export type SettleDecision =
  | { readonly kind: 'done'; readonly found: StoredOperation }
  | { readonly kind: 'repeat'; readonly revision: string }
  | { readonly kind: 'lost' };

/**
 * What a holder's refused or unanswered write came to. A refused precondition is a question, not a
 * verdict: the holder's own earlier write, its answer lost, refuses the repetition as well.
 */
export function decideSettle(
  found: StoredOperation | undefined,
  claim: ClaimIdentity,
): SettleDecision {
  if (found === undefined) return { kind: 'lost' };
  const { record, revision } = found;
  if (record.claimId !== claim.claimId || record.fence !== claim.fence) return { kind: 'lost' };
  return record.status === 'claimed' ? { kind: 'repeat', revision } : { kind: 'done', found };
}
