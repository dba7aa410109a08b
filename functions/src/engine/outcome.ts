import type { RecordedError } from '../operation/errors.ts';
import type { ArchivedRecord, StoredValue } from '../operation/record.ts';
import type { Token } from '../token/token.ts';

/** How a task or a guarded call ended. Every kind has its row in the outcome table. */
export type TaskOutcome =
  | { readonly kind: 'completed'; readonly token: Token; readonly result: unknown }
  | {
      readonly kind: 'replayed';
      readonly token: Token;
      readonly answer: ReplayedAnswer;
      /** Same request, other context: the recorded result may be from before a deploy. */
      readonly drift: boolean;
    }
  | { readonly kind: 'cancelled'; readonly reason: string }
  | {
      readonly kind: 'in_flight_here' | 'in_flight_elsewhere';
      readonly retryAfterMs: number;
    }
  | { readonly kind: 'claim_lost' }
  | { readonly kind: 'in_doubt'; readonly error: RecordedError; readonly fresh: boolean }
  | { readonly kind: 'mismatch' | 'expired' | 'invalid'; readonly faults: readonly string[] }
  | {
      readonly kind: 'retryable_error';
      readonly error: RecordedError;
      readonly retryAfterMs: number;
    }
  | { readonly kind: 'terminal_error'; readonly error: RecordedError }
  | { readonly kind: 'store_away'; readonly error: RecordedError };

/** What is on record: a result, an error, or a pointer into cold storage. */
export type ReplayedAnswer =
  | { readonly kind: 'result'; readonly stored: StoredValue }
  | { readonly kind: 'error'; readonly error: RecordedError }
  | { readonly kind: 'archived'; readonly stub: ArchivedRecord };

/** Deliveries that Pub/Sub brings back until acknowledged are held under this prefix. */
export const MESSAGE_HOLDER = 'message:';
