import { FORGET_AFTER_MS } from '../retention/classes.ts';
import { leavesQuestions } from './record.ts';
import type {
  ClaimedRecord,
  Effect,
  InDoubtRecord,
  OperationFacts,
  ReleasedRecord,
  StoredOperation,
  StoredValue,
  TerminalRecord,
} from './record.ts';
import type { Token } from '../token/token.ts';

/** All that a caller says when it asks for the right to run an effect. */
export interface ClaimRequest {
  readonly facts: Omit<OperationFacts, 'schema' | 'shard'>;
  /** Random, made once per claim and kept over its retries: how a lost answer is recognised. */
  readonly claimId: string;
  readonly leaseMs: number;
  readonly holder: string;
  /** Kept in the record until it is terminal, so that nothing depends on a message that is gone. */
  readonly task?: StoredValue;
  /** The tokens of the neighbouring buckets, where the token was made from a time window. */
  readonly window?: { readonly neighbours: readonly [Token, Token]; readonly lengthMs: number };
  /** A redelivery, or a token seen before: read first, since a `create` would likely be refused. */
  readonly likelyDuplicate?: boolean;
  /** Another context hash is a mismatch, not just drift. */
  readonly strictContext?: boolean;
}

/** Ask the provider before anything else: an earlier holder started the effect and lapsed. */
export interface ReconcileQuestion {
  readonly trackingId: string;
  /** Since when the effect's holder has been gone, by the store's time. */
  readonly lapsedAt: number;
}

export type ClaimDecision =
  | { readonly kind: 'create' }
  | { readonly kind: 'expired' }
  | { readonly kind: 'holding'; readonly reconcile?: ReconcileQuestion }
  | { readonly kind: 'mismatch'; readonly part: 'request' | 'context' }
  | { readonly kind: 'replayed'; readonly record: TerminalRecord; readonly drift: boolean }
  | { readonly kind: 'cancelled'; readonly record: TerminalRecord }
  | { readonly kind: 'inFlight'; readonly until: number; readonly holder: string }
  | { readonly kind: 'takeOver'; readonly reconcile?: ReconcileQuestion }
  | { readonly kind: 'doubt'; readonly record: ClaimedRecord | ReleasedRecord }
  | { readonly kind: 'inDoubt'; readonly record: InDoubtRecord };

/**
 * Who may run the effect, given what stands under the token. Nothing else decides this.
 *
 * `takeOver` and `doubt` must be written conditionally on the revision that was read, under the
 * next fence; every other answer writes nothing.
 */
export function decideClaim(
  found: StoredOperation | undefined,
  request: ClaimRequest,
  storeNow: number,
): ClaimDecision {
  if (found === undefined) return decideAbsent(request, storeNow);
  const { record } = found;
  if (record.status === 'claimed' && record.claimId === request.claimId) {
    return decideHolding(record, request, found.updatedAt);
  }
  if (record.requestHash !== request.facts.requestHash)
    return { kind: 'mismatch', part: 'request' };
  const drift = record.contextHash !== request.facts.contextHash;
  if (drift && request.strictContext === true) return { kind: 'mismatch', part: 'context' };

  switch (record.status) {
    case 'completed':
    case 'failed':
      return { kind: 'replayed', record, drift };
    case 'cancelled':
      return { kind: 'cancelled', record };
    case 'archived':
      return record.outcome === 'cancelled'
        ? { kind: 'cancelled', record }
        : { kind: 'replayed', record, drift };
    case 'in_doubt':
      return { kind: 'inDoubt', record };
    case 'released':
      return decideFree(
        record,
        request,
        { freeAt: record.notBefore, lapsedAt: found.updatedAt },
        storeNow,
      );
    case 'claimed': {
      const end = leaseEnd(found.updatedAt, record);
      return decideFree(record, request, { freeAt: end, lapsedAt: end }, storeNow);
    }
  }
}

function decideAbsent(request: ClaimRequest, storeNow: number): ClaimDecision {
  const { madeAt, retention } = request.facts;
  const knownForMs = Math.min(retention.forgetMs, FORGET_AFTER_MS);
  return storeNow - madeAt > knownForMs ? { kind: 'expired' } : { kind: 'create' };
}

/**
 * A claim whose answer was lost. Where it took over a started effect, the question to the provider
 * still stands; the time of the take-over bounds that of the lapse.
 */
function decideHolding(
  record: ClaimedRecord,
  { facts }: ClaimRequest,
  takenAt: number,
): ClaimDecision {
  const { started, trackingId } = record;
  const effect = stricter(record.effect, facts.effect);
  if (started !== true || !leavesQuestions(effect) || trackingId === undefined) {
    return { kind: 'holding' };
  }
  return { kind: 'holding', reconcile: { trackingId, lapsedAt: lastSent(record, takenAt) } };
}

function decideFree(
  record: ClaimedRecord | ReleasedRecord,
  { facts }: ClaimRequest,
  { freeAt, lapsedAt }: { readonly freeAt: number; readonly lapsedAt: number },
  storeNow: number,
): ClaimDecision {
  if (storeNow < freeAt) {
    return { kind: 'inFlight', until: freeAt, holder: record.holder };
  }
  const { trackingId } = record;
  const effect = stricter(record.effect, facts.effect);
  if (!mayBeSent(record) || !leavesQuestions(effect)) return { kind: 'takeOver' };
  if (effect === 'once' || trackingId === undefined) return { kind: 'doubt', record };
  return { kind: 'takeOver', reconcile: { trackingId, lapsedAt: lastSent(record, lapsedAt) } };
}

/** An idempotent step records no start: where its holder vanished, it may have sent. */
function mayBeSent({ status, effect, started }: ClaimedRecord | ReleasedRecord): boolean {
  return started === true || (status === 'claimed' && effect === 'idempotent');
}

const STRICTNESS: Readonly<Record<Effect, number>> = {
  pure: 0,
  idempotent: 1,
  reconcilable: 2,
  once: 3,
};

/** A deploy may declare a step anew while an operation of it is open: each of its runs counts. */
export function stricter(recorded: Effect, asked: Effect): Effect {
  return STRICTNESS[asked] > STRICTNESS[recorded] ? asked : recorded;
}

/** After that, none of the operation's earlier holders sends any more. */
function lastSent({ cutOffUntil = 0 }: ClaimedRecord | ReleasedRecord, lapsedAt: number): number {
  return Math.max(cutOffUntil, lapsedAt);
}

/** A lease runs from the holder's last write, by the store's own time. */
export function leaseEnd(updatedAt: number, record: { readonly leaseMs: number }): number {
  return updatedAt + record.leaseMs;
}
