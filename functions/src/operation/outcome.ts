/** Every way a task or a service call can end. */
export type OutcomeKind =
  | 'completed'
  | 'replayed'
  | 'cancelled'
  | 'in_flight_here'
  | 'in_flight_elsewhere'
  | 'claim_lost'
  | 'in_doubt'
  | 'mismatch'
  | 'expired'
  | 'invalid'
  | 'retryable_error'
  | 'terminal_error'
  | 'store_away';

export interface PubSubAnswer {
  /** 2xx acknowledges the message; anything else has Pub/Sub deliver it again. */
  readonly status: number;
  /** Publish the message with the reason to the dead-letter topic before acknowledging. */
  readonly deadLetter: boolean;
}

/**
 * How a push subscription is answered.
 *
 * `in_flight_here` is a redelivery of the message whose own run still holds the token;
 * `in_flight_elsewhere` is acknowledged because the holder's own message is still unacknowledged.
 */
export const PUBSUB_ANSWERS: Readonly<Record<OutcomeKind, PubSubAnswer>> = {
  completed: { status: 204, deadLetter: false },
  replayed: { status: 204, deadLetter: false },
  cancelled: { status: 204, deadLetter: false },
  in_flight_here: { status: 429, deadLetter: false },
  in_flight_elsewhere: { status: 204, deadLetter: false },
  claim_lost: { status: 429, deadLetter: false },
  in_doubt: { status: 204, deadLetter: false },
  mismatch: { status: 204, deadLetter: true },
  expired: { status: 204, deadLetter: true },
  invalid: { status: 204, deadLetter: true },
  retryable_error: { status: 503, deadLetter: false },
  terminal_error: { status: 204, deadLetter: false },
  store_away: { status: 503, deadLetter: false },
};

export interface HttpAnswer {
  readonly status: number;
  /** Whether the same request, sent again later, may be answered otherwise. */
  readonly retryable: boolean;
  /** The answer carries `Idempotency-Replayed: true`. */
  readonly replayed: boolean;
}

/**
 * How a caller of the HTTP service is answered. `completed` is 201 where the call created the record;
 * a `terminal_error` is answered as recorded, by the call that records it.
 */
export const HTTP_ANSWERS: Readonly<Record<OutcomeKind, HttpAnswer>> = {
  completed: { status: 200, retryable: false, replayed: false },
  replayed: { status: 200, retryable: false, replayed: true },
  cancelled: { status: 409, retryable: false, replayed: true },
  in_flight_here: { status: 409, retryable: true, replayed: false },
  in_flight_elsewhere: { status: 409, retryable: true, replayed: false },
  claim_lost: { status: 409, retryable: false, replayed: false },
  in_doubt: { status: 409, retryable: false, replayed: false },
  mismatch: { status: 422, retryable: false, replayed: false },
  expired: { status: 410, retryable: false, replayed: false },
  invalid: { status: 400, retryable: false, replayed: false },
  retryable_error: { status: 503, retryable: true, replayed: false },
  terminal_error: { status: 200, retryable: false, replayed: false },
  store_away: { status: 503, retryable: true, replayed: false },
};
