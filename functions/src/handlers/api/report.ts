import { StoreAway } from '../../operation/errors.ts';
import type { Decision, DecisionOutcome } from '../../ports/telemetry.ts';
import { shownToken } from '../../token/token.ts';
import type { Namespace } from '../../token/token.ts';
import type { Runtime } from '../../engine/runtime.ts';
import type { Answer } from './answer.ts';
import { problem } from './problem.ts';

/** What a call asks about, as far as its log line says it. */
export interface Subject {
  readonly namespace: Namespace;
  readonly token: string;
  readonly action: string;
  /** Retention class. */
  readonly class: string;
  readonly attempt?: number;
}

/** When a call came, and which trace it belongs to. */
export interface Timing {
  /** Monotonic. */
  readonly began: number;
  readonly trace: string | undefined;
}

/**
 * One line for a decision about one operation, with the fields of a task's: one metric serves both. A
 * store that gives no answer is a decision too: that nothing may be run.
 */
export async function reported(
  runtime: Runtime,
  timing: Timing,
  subject: Subject,
  act: () => Promise<Answer>,
): Promise<Answer> {
  let answer: Answer;
  try {
    answer = await act();
  } catch (error) {
    if (!(error instanceof StoreAway)) throw error;
    answer = problem('store_away', error.message);
  }
  report(runtime, timing, subject, answer);
  return answer;
}

interface Told {
  readonly state?: string;
  readonly code?: string;
  readonly title?: string;
  readonly token?: string;
  readonly attempt?: number;
  readonly drift?: boolean;
  readonly error?: Decision['error'];
  readonly operation?: { readonly attempt?: number };
}

function report(
  { telemetry, clock, store }: Runtime,
  { began, trace }: Timing,
  { namespace, token, action, class: retention, attempt = 0 }: Subject,
  answer: Answer,
): void {
  const told = answer.body as Told;
  const milliseconds = clock.monotonic() - began;
  // Not the detail: it names the token, and whoever reads the log could present it.
  const error =
    told.code === undefined ? told.error : { code: told.code, message: told.title ?? '' };
  telemetry.decision({
    outcome: outcomeOf(answer, told),
    action,
    class: retention,
    store: store.name,
    milliseconds,
    checkMilliseconds: milliseconds,
    attempt: told.attempt ?? told.operation?.attempt ?? attempt,
    token: shownToken(told.token ?? token),
    namespace,
    ...(trace !== undefined && { trace }),
    ...(told.drift === true && { drift: true }),
    ...(error && { error: { code: error.code, message: error.message } }),
  });
}

function outcomeOf({ status, headers = {} }: Answer, told: Told): DecisionOutcome {
  if (told.code !== undefined) return OUTCOMES[told.code] ?? 'retryable_error';
  if (headers['Idempotency-Replayed'] === 'true') return 'replayed';
  switch (told.state) {
    case 'claimed':
      return status === 201 ? 'claimed' : 'held';
    case 'completed':
      return 'completed';
    case 'failed':
      return 'terminal_error';
    case 'in_doubt':
      return 'in_doubt';
    case 'in_flight':
      return 'in_flight_here';
    default:
      return 'free';
  }
}

/** By the problem's code. */
const OUTCOMES: Readonly<Record<string, DecisionOutcome>> = {
  in_flight: 'in_flight_here',
  claim_lost: 'claim_lost',
  in_doubt: 'in_doubt',
  mismatch: 'mismatch',
  other_outcome: 'mismatch',
  expired: 'expired',
  cancelled: 'cancelled',
  invalid: 'invalid',
  store_away: 'store_away',
};
