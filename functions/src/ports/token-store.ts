import type { ClaimRequest, ReconcileQuestion } from '../operation/claim.ts';
import type { RecordedError } from '../operation/errors.ts';
import type {
  ArchivedRecord,
  ArchivePointer,
  Effect,
  InDoubtRecord,
  OperationRecord,
  StoredOperation,
  StoredOutbox,
  StoredValue,
  TerminalRecord,
} from '../operation/record.ts';
import type { HotRecord } from '../retention/archive-plan.ts';
import type { Namespace, Token } from '../token/token.ts';
import type { DeriveProgress, WorkflowStore } from './workflow-store.ts';

/** The right to run an effect now, and what its later writes are conditional on. */
export interface Claim {
  readonly namespace: Namespace;
  /** The token that is held: a neighbouring window's, where that one came first. */
  readonly token: Token;
  readonly claimId: string;
  readonly fence: number;
  readonly attempt: number;
  readonly revision: string;
  readonly leaseMs: number;
  readonly ttlMs: number;
  /** The strictest that any run of the operation was declared with, not just this one's. */
  readonly effect: Effect;
  /** Under this or an earlier claim the effect may have been sent. */
  readonly started: boolean;
  /** The record stores its task, so that a sweep can drive it on; else nothing but its caller can. */
  readonly redrivable: boolean;
  readonly trackingId?: string;
}

export type ClaimAnswer =
  | {
      readonly kind: 'claimed';
      readonly claim: Claim;
      readonly reconcile?: ReconcileQuestion;
      /** It was found, as won under this claim id before: its lease runs from then, until it is renewed. */
      readonly standing?: true;
    }
  | {
      readonly kind: 'replayed';
      readonly found: StoredOperation<TerminalRecord>;
      readonly drift: boolean;
    }
  | { readonly kind: 'cancelled'; readonly found: StoredOperation<TerminalRecord> }
  /** `until` is store time; `forMs` is how long that is from now. */
  | {
      readonly kind: 'inFlight';
      readonly until: number;
      readonly forMs: number;
      readonly holder: string;
    }
  | {
      readonly kind: 'inDoubt';
      readonly found: StoredOperation<InDoubtRecord>;
      readonly fresh: boolean;
    }
  | { readonly kind: 'mismatch'; readonly part: 'request' | 'context' }
  | { readonly kind: 'expired' };

/** What an operation that nobody claimed came to. */
export type RecordedOutcome =
  | { readonly status: 'completed'; readonly result: StoredValue }
  | { readonly status: 'failed'; readonly error: RecordedError };

export interface RecordRequest extends Pick<
  ClaimRequest,
  'facts' | 'claimId' | 'window' | 'likelyDuplicate'
> {
  readonly outcome: RecordedOutcome;
}

export type RecordAnswer =
  /** By this call, or by an earlier one under the same claim id. */
  | { readonly kind: 'recorded'; readonly found: StoredOperation<TerminalRecord> }
  | Exclude<ClaimAnswer, { kind: 'claimed' }>;

export type HeldAnswer =
  | { readonly kind: 'held'; readonly claim: Claim }
  | { readonly kind: 'lost' };

export type SettleAnswer =
  /** `revision` is what `markSent` is conditional on; `at` is store time. */
  | {
      readonly kind: 'settled';
      readonly revision: string;
      readonly at: number;
      /** The store refused this write and the same stands there: somebody else's, or it came twice. */
      readonly standing?: true;
    }
  | { readonly kind: 'lost' };

export interface Completion {
  readonly result: StoredValue;
  readonly outbox?: StoredOutbox;
}

export interface Release {
  /** From the store's now, in milliseconds, during which nobody may claim. */
  readonly waitMs: number;
  readonly error?: RecordedError;
  /** Whether the effect may have been sent, under this claim or an earlier one. */
  readonly started: boolean;
  /** The next claim is the same attempt again. */
  readonly uncounted?: true;
}

/** An intervention by a person. Each needs who and why, and raises the fence. */
export type Override =
  | { readonly verb: 'extend'; readonly byMs: number }
  | { readonly verb: 'hold' }
  | { readonly verb: 'unhold' }
  | { readonly verb: 'expire' }
  /** An operation in doubt did happen, with this result. Its task is to be published again. */
  | { readonly verb: 'resolve_done'; readonly result: StoredValue }
  /** It did not happen, and never will: free to run. Its task is to be published again. */
  | { readonly verb: 'resolve_not_done' }
  /** End the holder's claim at once. What it had started stays a question. */
  | { readonly verb: 'force_release' }
  /** Erase params and result; that it happened stays known. */
  | { readonly verb: 'purge' };

export interface OverrideRequest {
  readonly override: Override;
  readonly actor: string;
  readonly reason: string;
  /** Only while the record is at this fence: an override that is sent again finds a higher one. */
  readonly ifFence?: number;
  /** Store time that the record is signed with, where it was told elsewhere before. Default: now. */
  readonly at?: number;
}

export type OverrideAnswer =
  | { readonly kind: 'overridden'; readonly found: StoredOperation }
  | { readonly kind: 'absent' }
  /** The record is at another fence than the request names. Only where it names one. */
  | { readonly kind: 'stale'; readonly found: StoredOperation; readonly why: string }
  /** The verb does not fit the record's status. */
  | { readonly kind: 'refused'; readonly why: string };

export interface Page {
  readonly limit: number;
  /** The `next` of the page before. */
  readonly after?: string;
}

export interface Listing {
  readonly operations: readonly StoredOperation[];
  readonly next?: string;
}

/**
 * Operations under their tokens, in verbs that are atomic each.
 *
 * Every verb may throw `StoreAway`: for a write its outcome is then unknown, and asking again is
 * safe. A claim asked again with the same `claimId` finds itself.
 */
export interface TokenStore {
  /** For logs: `embedded`, `firestore`, … */
  readonly name: string;
  /** Over how many shards sweeps and archiving are spread. */
  readonly shards: number;
  /** The best guess of the store's time without asking it, in epoch milliseconds. */
  now(): number;
  /** Where this store keeps workflows as well; one that only holds tokens does not. */
  readonly workflows?: WorkflowStore;

  claim(request: ClaimRequest): Promise<ClaimAnswer>;
  /** Records, before an effect is sent, that it may have been. Idempotent. Lengthens the lease. */
  start(claim: Claim, trackingId: string): Promise<HeldAnswer>;
  /** Lengthens the lease by its own length from now. */
  renew(claim: Claim): Promise<HeldAnswer>;
  /**
   * The result and what follows from it, together or not at all. So it is with `also`, the step's
   * workflow: derived anew whenever either of the two has changed under the write.
   */
  complete(claim: Claim, completion: Completion, also?: DeriveProgress): Promise<SettleAnswer>;
  fail(claim: Claim, error: RecordedError, also?: DeriveProgress): Promise<SettleAnswer>;
  release(claim: Claim, release: Release): Promise<SettleAnswer>;
  /**
   * Undoes a claim that nobody acts on, its attempt included: one write, conditional on the claim as it
   * was answered. Where anything was written since, as by its holder after all, nothing changes.
   */
  giveBack(claim: Claim): Promise<void>;
  /** The effect's fate is unknown and nobody can be asked: park it for a person. */
  doubt(claim: Claim, error: RecordedError, also?: DeriveProgress): Promise<SettleAnswer>;
  /** Follow-ups are published. Losing this mark only publishes them again. */
  markSent(namespace: Namespace, token: Token, revision: string): Promise<void>;

  /**
   * An outcome without a claim before it: one `create` where nothing stands, and the first one wins. What
   * nobody holds any more is settled by one conditional write; a stored task's follow-ups are derived by
   * the next sweep then. Asked again with the same `claimId` it finds itself.
   */
  record(request: RecordRequest): Promise<RecordAnswer>;
  /**
   * Puts `cancelled` under a token nobody has claimed yet, or whose operation was released with nothing
   * started, there under the next fence; answers what stands there otherwise.
   */
  cancel(request: ClaimRequest, reason: string): Promise<StoredOperation>;
  override(namespace: Namespace, token: Token, request: OverrideRequest): Promise<OverrideAnswer>;
  /**
   * Lengthens a terminal record's life where its retention says so; else writes nothing. Answers the record
   * as it stands after that.
   */
  slide(operation: StoredOperation<TerminalRecord>): Promise<StoredOperation<TerminalRecord>>;
  /** Replaces an expired terminal record by its stub; `lost` where something touched it since. */
  archive(
    operation: StoredOperation<TerminalRecord>,
    pointer: ArchivePointer,
  ): Promise<SettleAnswer>;

  /**
   * Puts the payload back into the record of a stub, with a full life from now. Fits only the line that
   * the stub points to; `lost` where something touched the stub since.
   */
  restore(
    stub: StoredOperation<ArchivedRecord>,
    from: HotRecord,
    by: Pick<OverrideRequest, 'actor' | 'reason' | 'at'>,
  ): Promise<SettleAnswer>;
  /**
   * Marks a stub's payload as erased, which it is for every reader from then on. Erasing it in cold
   * storage is the caller's to do. `lost` where something touched the stub since.
   */
  purgeStub(
    stub: StoredOperation<ArchivedRecord>,
    by: Pick<OverrideRequest, 'actor' | 'reason' | 'at'>,
  ): Promise<SettleAnswer>;
  /** The stub's payload lies elsewhere from now on; `lost` where something touched the stub since. */
  repoint(stub: StoredOperation<ArchivedRecord>, pointer: ArchivePointer): Promise<SettleAnswer>;

  get(namespace: Namespace, token: Token): Promise<StoredOperation | undefined>;
  /** In the order asked; absent ones are `undefined`. */
  getMany(
    namespace: Namespace,
    tokens: readonly Token[],
  ): Promise<readonly (StoredOperation | undefined)[]>;
  /** All operations of a workflow, in logical-time order. */
  ledger(namespace: Namespace, root: Token, page: Page): Promise<Listing>;
  byStatus(namespace: Namespace, status: OperationRecord['status'], page: Page): Promise<Listing>;
  /** Records of a shard whose time for a sweep has come: lapsed, waiting, or unsent. */
  due(shard: number, page: Page): Promise<Listing>;
  /** Settled records of a shard that have outlived their time, held and unsent ones too, the oldest first. */
  expired(shard: number, page: Page): Promise<Listing>;
  close(): Promise<void>;
}
