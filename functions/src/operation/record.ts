import type { Namespace, Token } from '../token/token.ts';
import type { RecordedError } from './errors.ts';

/**
 * What running a step a second time would mean, declared by its author.
 *
 * - `pure`, `idempotent`: safe to run again after a lapsed lease.
 * - `reconcilable`: the provider can be asked, by tracking id, what became of the effect.
 * - `once`: nothing can tell; a lapse after the start is a question for a person.
 */
export type Effect = 'pure' | 'idempotent' | 'reconcilable' | 'once';

/** A recorded payload: inline canonical text, a pointer to a blob, or the reason there is none. */
export type StoredValue =
  | { readonly kind: 'inline'; readonly text: string }
  | { readonly kind: 'blob'; readonly name: string; readonly bytes: number }
  | { readonly kind: 'unserialisable'; readonly reason: string }
  /** `blob`: where its bytes lay, so that erasing them can be repeated. */
  | { readonly kind: 'purged'; readonly blob?: string };

/** The tasks that follow from a result. `pending`: a person gave the result; the step derives them. */
export type StoredOutbox = StoredValue | { readonly kind: 'pending' };

/** Retention fixed at the first claim, so that a later deploy never shortens a promise already made. */
export interface Retention {
  readonly name: string;
  readonly ttlMs: number;
  readonly capMs: number;
  readonly forgetMs: number;
}

/** What is known of an operation from its first claim, and never changes. */
export interface OperationFacts {
  readonly schema: 1;
  readonly namespace: Namespace;
  readonly token: Token;
  readonly action: string;
  readonly agent: string;
  readonly root: Token;
  readonly path: string;
  readonly logicalTime: number;
  /** When the task was made, by its maker's clock, in epoch milliseconds. */
  readonly madeAt: number;
  readonly requestHash: string;
  readonly contextHash?: string;
  readonly effect: Effect;
  readonly retention: Retention;
  readonly shard: number;
}

/** Who overrode a record last, how and why. */
export interface RecordedOverride {
  readonly verb: string;
  readonly actor: string;
  readonly reason: string;
  readonly at: number;
}

interface Progress extends OperationFacts {
  /** Grows with every claim and override; a write under an older one is refused. */
  readonly fence: number;
  /** How many times the token has been claimed since its first claim, or since a person freed it. */
  readonly attempt: number;
  /** The claim that holds or last held the token. */
  readonly claimId: string;
  /** What the effect is known by at the provider. Once recorded, all fences share it. */
  readonly trackingId?: string;
  /** The effect may have been sent under this or an earlier claim, and its fate is not known. */
  readonly started?: true;
  /** Store time until which a holder cut off by a person may believe in its lease, and send. */
  readonly cutOffUntil?: number;
  /** Store time at which a sweep should look at this record again. */
  readonly dueAt?: number;
  readonly override?: RecordedOverride;
}

export interface ClaimedRecord extends Progress {
  readonly status: 'claimed';
  readonly leaseMs: number;
  /** The delivery on whose behalf the token is held: a message id, or an HTTP caller's own. */
  readonly holder: string;
  readonly task?: StoredValue;
}

export interface ReleasedRecord extends Progress {
  readonly status: 'released';
  /** Store time before which nobody may claim. */
  readonly notBefore: number;
  readonly error?: RecordedError;
  readonly holder: string;
  readonly task?: StoredValue;
}

export interface InDoubtRecord extends Progress {
  readonly status: 'in_doubt';
  readonly error: RecordedError;
  readonly task?: StoredValue;
}

interface Terminal extends Progress {
  readonly completedAt: number;
  readonly expireAt: number;
  readonly hold?: true;
}

export interface CompletedRecord extends Terminal {
  readonly status: 'completed';
  readonly result: StoredValue;
  readonly outbox?: StoredOutbox;
  /** False while follow-ups are recorded but not known to be published. */
  readonly sent: boolean;
  readonly task?: StoredValue;
}

export interface FailedRecord extends Terminal {
  readonly status: 'failed';
  readonly error: RecordedError;
}

export interface CancelledRecord extends Terminal {
  readonly status: 'cancelled';
  readonly reason: string;
}

/** The stub that stays in place while the payload rests in cold storage. */
export interface ArchivedRecord extends Progress {
  readonly status: 'archived';
  readonly outcome: 'completed' | 'failed' | 'cancelled';
  readonly pointer: ArchivePointer;
  readonly completedAt: number;
  readonly forgetAt: number;
}

/** Where an archived payload lies: one gzip member of an object. */
export interface ArchivePointer {
  readonly object: string;
  readonly offset: number;
  readonly length: number;
}

export type TerminalRecord = CompletedRecord | FailedRecord | CancelledRecord | ArchivedRecord;

/** One document per token, for its whole life; a union by status. */
export type OperationRecord = ClaimedRecord | ReleasedRecord | InDoubtRecord | TerminalRecord;

/** A record as read: with the store's own times and an opaque revision for conditional writes. */
export interface StoredOperation<R extends OperationRecord = OperationRecord> {
  readonly record: R;
  readonly revision: string;
  /** Store time of the last write, in epoch milliseconds. */
  readonly updatedAt: number;
  readonly createdAt: number;
}

export function isTerminal(record: OperationRecord): record is TerminalRecord {
  switch (record.status) {
    case 'completed':
    case 'failed':
    case 'cancelled':
    case 'archived':
      return true;
    case 'claimed':
    case 'released':
    case 'in_doubt':
      return false;
  }
}

/** True when an interrupted effect of this kind leaves a question that running again can't answer. */
export function leavesQuestions(effect: Effect): effect is 'reconcilable' | 'once' {
  return effect === 'reconcilable' || effect === 'once';
}
