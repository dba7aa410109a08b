import { stricter } from '../operation/claim.ts';
import type { ClaimRequest } from '../operation/claim.ts';
import type {
  CancelledRecord,
  ClaimedRecord,
  CompletedRecord,
  FailedRecord,
  OperationFacts,
  OperationRecord,
  ReleasedRecord,
} from '../operation/record.ts';
import type { RecordedError } from '../operation/errors.ts';
import type { Patch } from '../ports/operation-documents.ts';
import type { RecordRequest } from '../ports/token-store.ts';
import { shardOf } from '../token/token.ts';

/** The record of a first claim. */
export function firstClaim(
  id: string,
  request: ClaimRequest,
  shards: number,
  storeNow: number,
): ClaimedRecord {
  return {
    ...factsOf(id, request, shards),
    status: 'claimed',
    fence: 1,
    attempt: 1,
    claimId: request.claimId,
    leaseMs: request.leaseMs,
    holder: request.holder,
    ...(request.task && { task: request.task, dueAt: Math.ceil(storeNow + request.leaseMs) }),
  };
}

/** The record that keeps a token from ever being claimed. */
export function cancelledUnclaimed(
  id: string,
  request: ClaimRequest,
  reason: string,
  shards: number,
  storeNow: number,
): CancelledRecord {
  return {
    ...factsOf(id, request, shards),
    status: 'cancelled',
    fence: 1,
    attempt: 0,
    claimId: request.claimId,
    reason,
    completedAt: Math.floor(storeNow),
    expireAt: Math.ceil(storeNow + request.facts.retention.ttlMs),
  };
}

/** A freed operation that nothing was started of, kept from ever being claimed again. */
export function cancelledOver(
  record: ReleasedRecord,
  { claimId }: ClaimRequest,
  reason: string,
  storeNow: number,
): Patch {
  return {
    status: 'cancelled',
    fence: record.fence + 1,
    claimId,
    reason,
    completedAt: Math.floor(storeNow),
    expireAt: Math.ceil(storeNow + record.retention.ttlMs),
    task: null,
    dueAt: null,
    notBefore: null,
    holder: null,
    error: null,
  };
}

/** The record of an outcome that came without a claim. */
export function recordedUnclaimed(
  id: string,
  { facts, claimId, outcome }: RecordRequest,
  shards: number,
  storeNow: number,
): CompletedRecord | FailedRecord {
  const ended = {
    ...factsOf(id, { facts }, shards),
    fence: 1,
    attempt: 0,
    claimId,
    completedAt: Math.floor(storeNow),
    expireAt: Math.ceil(storeNow + facts.retention.ttlMs),
  };
  return outcome.status === 'completed'
    ? { ...ended, ...outcome, sent: true }
    : { ...ended, ...outcome };
}

/** An outcome over what nobody holds any more, under the next fence: no late holder outlives it. */
export function recordedOver(
  record: ClaimedRecord | ReleasedRecord,
  { claimId, outcome }: RecordRequest,
  storeNow: number,
): Patch {
  const derives = outcome.status === 'completed' && record.task !== undefined;
  return {
    error: null,
    ...outcome,
    ...(outcome.status === 'completed' && { sent: !derives }),
    ...(derives ? { outbox: { kind: 'pending' } } : { task: null }),
    fence: record.fence + 1,
    claimId,
    completedAt: Math.floor(storeNow),
    expireAt: Math.ceil(storeNow + record.retention.ttlMs),
    dueAt: derives ? Math.ceil(storeNow) : null,
    leaseMs: null,
    holder: null,
    notBefore: null,
  };
}

/** A take-over: the next fence and attempt, everything else of the holder replaced. */
export function nextClaim(
  record: ClaimedRecord | ReleasedRecord,
  request: ClaimRequest,
  storeNow: number,
): Patch {
  return {
    status: 'claimed',
    fence: record.fence + 1,
    attempt: record.attempt + 1,
    effect: stricter(record.effect, request.facts.effect),
    claimId: request.claimId,
    leaseMs: request.leaseMs,
    holder: request.holder,
    // The first holder may have had none to leave: a program, where a message now takes over.
    ...(!record.task && request.task && { task: request.task }),
    dueAt: (record.task ?? request.task) ? Math.ceil(storeNow + request.leaseMs) : null,
    notBefore: null,
    error: null,
    ...maybeSent(record),
  };
}

/** An idempotent step records no start: when its holder is cut off, it may have been sent. */
export function maybeSent(record: ClaimedRecord | ReleasedRecord): Patch {
  return record.status === 'claimed' && record.effect === 'idempotent' ? { started: true } : {};
}

/** An abandoned `once` effect: parked under a fence that its old holder can't write under. */
export function lapsedIntoDoubt(record: ClaimedRecord | ReleasedRecord): Patch {
  return {
    status: 'in_doubt',
    fence: record.fence + 1,
    error: LAPSED_AFTER_START,
    leaseMs: null,
    holder: null,
    notBefore: null,
    dueAt: null,
  };
}

/** What a record looks like after a patch, without reading it back. */
export function patched(record: OperationRecord, patch: Patch): OperationRecord {
  const fields: Record<string, unknown> = { ...record };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete fields[name];
    else fields[name] = value;
  }
  return fields as unknown as OperationRecord;
}

export const LAPSED_AFTER_START: RecordedError = {
  code: 'lapsed_after_start',
  message:
    'The effect was started and its holder vanished before recording a result. ' +
    'Look at the provider, then resolve the operation as done or not done.',
  retryable: false,
};

function factsOf(
  id: string,
  { facts }: Pick<ClaimRequest, 'facts'>,
  shards: number,
): OperationFacts {
  return { schema: 1, ...facts, shard: shardOf(id, shards) };
}
