import type { RecordedError } from '../operation/errors.ts';
import type { ArchivedRecord, Effect, OperationRecord } from '../operation/record.ts';

/** An operation as a person sees it, wherever it was looked up. What is absent isn't told there. */
export interface Seen {
  readonly token: string;
  readonly root: string;
  readonly path: string;
  readonly action: string;
  readonly agent: string;
  readonly namespace?: string;
  readonly effect: Effect;
  /** The name of its retention class. */
  readonly retention?: string;
  readonly logicalTime: number;
  readonly attempt: number;
  readonly fence: number;
  readonly madeAt: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Its effect may have been sent, and what became of that is not recorded. */
  readonly open: boolean;
  readonly trackingId?: string;
  readonly override?: NonNullable<OperationRecord['override']>;
  readonly standing: Standing;
}

/** Epoch milliseconds. `free` and `in_flight` are what the service says of what is not settled. */
export type Standing =
  | { readonly status: 'claimed'; readonly holder: Holder; readonly leaseUntil: number }
  | { readonly status: 'in_flight'; readonly until: number; readonly error?: ShownError }
  | { readonly status: 'free'; readonly error?: ShownError }
  | { readonly status: 'released'; readonly notBefore: number; readonly error?: RecordedError }
  | { readonly status: 'in_doubt'; readonly error: ShownError }
  | ({ readonly status: 'completed'; readonly followUps?: FollowUps } & Kept)
  | ({ readonly status: 'failed'; readonly error: ShownError } & Kept)
  | ({ readonly status: 'cancelled'; readonly reason: string } & Kept)
  | {
      readonly status: 'archived';
      readonly outcome: ArchivedRecord['outcome'];
      readonly completedAt: number;
      readonly forgetAt: number;
      readonly pointer?: ArchivedRecord['pointer'];
    };

export type ShownError = Pick<RecordedError, 'code' | 'message' | 'retryable'>;

/** `derived`: to be made by the next delivery; `stored`: to be published from the record. */
export type FollowUps = 'sent' | 'derived' | 'stored';

export interface Holder {
  readonly name: string;
  readonly claimId: string;
}

export interface Kept {
  readonly completedAt: number;
  readonly expireAt: number;
  readonly hold?: true;
}
