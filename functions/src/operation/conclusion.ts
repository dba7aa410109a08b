import { LeaseLost, NotDone, recordedError, StoreAway, TerminalError } from './errors.ts';
import type { RecordedError } from './errors.ts';
import { leavesQuestions } from './record.ts';
import type { Effect } from './record.ts';

/** What running a step came to, before anything is recorded. */
export type Conclusion =
  | { readonly kind: 'done'; readonly result: unknown }
  /** For good: recorded and replayed. */
  | { readonly kind: 'failed'; readonly error: RecordedError }
  /** Later; `started` says whether the effect may have been sent meanwhile. */
  | {
      readonly kind: 'again';
      readonly error: RecordedError;
      readonly waitMs: number;
      readonly started: boolean;
      /** The next claim is the same attempt again: this one could not begin its effect. */
      readonly uncounted?: true;
    }
  /** Nobody can say whether the effect happened: for a person. */
  | { readonly kind: 'doubt'; readonly error: RecordedError }
  /** Someone else may hold the token: nothing is recorded. */
  | { readonly kind: 'lost' };

export interface Attempt {
  readonly effect: Effect;
  readonly attempt: number;
  readonly maxAttempts: number;
  /** The effect may have been sent, in this attempt or an earlier one. */
  readonly started: boolean;
  /**
   * An earlier attempt's effect was absent, but nobody waited for it to settle: only that the provider
   * refuses a second use of the tracking id keeps it from being doubled, and it may come yet.
   */
  readonly mayStillCome?: boolean;
  /** The store gave no answer to `start`, which is neither the step's fault nor its provider's. */
  readonly startUnanswered?: boolean;
  /** From 0 to below 1. */
  readonly random: number;
}

/** What a thrown value means for the operation, by the effect's kind and whether it was started. */
export function concludeError(thrown: unknown, attempt: Attempt): Conclusion {
  if (thrown instanceof LeaseLost) return { kind: 'lost' };
  const error = recordedError(thrown);
  if (thrown instanceof NotDone) {
    if (thrown.final) return { kind: 'failed', error };
    const sentBefore = attempt.effect === 'idempotent' ? attempt.started : attempt.mayStillCome;
    return againOrOver(error, attempt, sentBefore === true);
  }
  if (leavesQuestions(attempt.effect) && isOpen(attempt)) return concludeUnknown(error, attempt);
  if (attempt.startUnanswered && thrown instanceof StoreAway) {
    const started = attempt.effect === 'idempotent';
    return { kind: 'again', error, waitMs: waitBefore(attempt), started, uncounted: true };
  }
  if (thrown instanceof TerminalError) return { kind: 'failed', error };
  return againOrOver(error, attempt, attempt.effect === 'idempotent');
}

/** A started effect whose fate is open: its provider can be asked again, or only a person can. */
export function concludeUnknown(error: RecordedError, attempt: Attempt): Conclusion {
  return attempt.effect === 'once'
    ? { kind: 'doubt', error: { ...error, retryable: false } }
    : againOrOver(error, attempt, true);
}

/** A claim beyond the last attempt: its predecessors all crashed, or the step kept asking for more. */
export function concludeExhausted(attempt: Attempt): Conclusion {
  const error: RecordedError = {
    code: 'attempts_exhausted',
    message: `No result after ${attempt.maxAttempts} attempts; at least the last one crashed.`,
    retryable: false,
  };
  return over(error, isOpen(attempt) && attempt.effect !== 'pure');
}

function isOpen({ started, mayStillCome }: Attempt): boolean {
  return started || mayStillCome === true;
}

function againOrOver(error: RecordedError, attempt: Attempt, started: boolean): Conclusion {
  if (attempt.attempt >= attempt.maxAttempts) return over(error, started);
  return { kind: 'again', error, waitMs: waitBefore(attempt, error.retryAfterMs), started };
}

/** Out of attempts: failed for good if nothing can have happened, else a question for a person. */
function over(error: RecordedError, started: boolean): Conclusion {
  const { code, message } = error;
  return { kind: started ? 'doubt' : 'failed', error: { code, message, retryable: false } };
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 600_000;

/** The longest that a step or its provider may ask for: a day. */
const LONGEST_ASKED_MS = 86_400_000;

/** Exponential backoff with full jitter, never shorter than the step asked for. */
function waitBefore({ attempt, random }: Attempt, askedMs = 0): number {
  const ceiling = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempt - 1));
  return Math.max(Math.min(LONGEST_ASKED_MS, askedMs), Math.round(ceiling * random));
}
