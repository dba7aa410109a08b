import { HTTP_ANSWERS } from '../operation/outcome.ts';
import type { OutcomeKind } from '../operation/outcome.ts';
import type { TaskOutcome } from '../engine/outcome.ts';

/** A request that is not answered by its handler: RFC 9457 problem details, as the service gives them. */
export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface Problem {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly retryable: boolean;
  readonly advice: string;
  readonly retryAfterMs?: number;
  readonly token?: string;
}

export function refusal(problem: Problem, headers: Readonly<Record<string, string>> = {}): Refusal {
  const { retryAfterMs, code } = problem;
  return {
    status: problem.status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(retryAfterMs !== undefined && { 'retry-after': wholeSeconds(retryAfterMs) }),
      ...headers,
    },
    body: JSON.stringify({ type: `urn:agent-once:${code}`, ...problem }),
  };
}

export function wholeSeconds(ms: number): string {
  return String(Math.max(1, Math.ceil(ms / 1_000)));
}

export function keyMissing(): Refusal {
  return refusal({
    status: 400,
    code: 'key_missing',
    title: 'Idempotency-Key is missing',
    detail: 'This operation takes a request only with the header Idempotency-Key.',
    retryable: false,
    advice:
      'Make a key of your own for this request, and send it again with each repetition of it.',
  });
}

export function keyInvalid(): Refusal {
  return refusal({
    status: 400,
    code: 'invalid',
    title: 'Idempotency-Key can’t be read',
    detail: 'A key is 1 to 512 printable ASCII characters, in quotes or bare.',
    retryable: false,
    advice: 'Send a key of that form.',
  });
}

export function callerUnknown(): Refusal {
  return refusal({
    status: 401,
    code: 'unauthenticated',
    title: 'The caller is not known',
    detail: 'Keys belong to their caller, and this request has none.',
    retryable: false,
    advice: 'Send credentials.',
  });
}

/** @param why what can't be compared about the body */
export function bodyUnknown(status: 400 | 415, why: string): Refusal {
  return refusal({
    status,
    code: status === 415 ? 'unsupported_media_type' : 'invalid',
    title: 'The body can’t be compared',
    detail: why,
    retryable: false,
    advice: 'Send the body in a form that this operation takes.',
  });
}

/** It was done, but its reply can't be given again. */
export function replyGone(token: string, why: string): Refusal {
  return refusal(
    {
      status: 410,
      code: 'reply_gone',
      title: 'The reply is not kept',
      detail: `The operation was carried out, and its reply can’t be given again: ${why}`,
      retryable: false,
      advice: 'Do not send it under another key: it was done. Look at what it changed.',
      token,
    },
    { 'idempotency-replayed': 'true' },
  );
}

type Refused = Exclude<OutcomeKind, 'completed' | 'replayed' | 'terminal_error'> | 'failed';

const IN_FLIGHT = [
  'in_flight',
  'The same request is being carried out',
  'Send it again, with the same key, after the time in Retry-After.',
] as const;

const TEXTS: Readonly<Record<Refused, readonly [code: string, title: string, advice: string]>> = {
  cancelled: ['cancelled', 'The operation was cancelled', 'It will never be carried out.'],
  in_flight_here: IN_FLIGHT,
  in_flight_elsewhere: IN_FLIGHT,
  claim_lost: [
    'claim_lost',
    'The claim was lost while the operation ran',
    'Send the same request again to learn how it stands.',
  ],
  in_doubt: [
    'in_doubt',
    'Nobody can say whether the operation happened',
    'Do not send it under another key. A person has to resolve it.',
  ],
  mismatch: [
    'mismatch',
    'The key belongs to another request',
    'Use a new key for a new request, or send the same request as before.',
  ],
  expired: ['expired', 'The request is too old', 'Make a new one if it is still wanted.'],
  invalid: ['invalid', 'The request is not valid', 'Mend what the detail names.'],
  retryable_error: [
    'unavailable',
    'The operation did not come to an end',
    'Send the same request again, with the same key.',
  ],
  store_away: [
    'store_away',
    'What has been done can’t be looked up now',
    'Send the same request again, with the same key.',
  ],
  failed: [
    'failed',
    'The operation failed for good',
    'The same key will be answered the same. Use a new one once the cause is gone.',
  ],
};

/** The outcome table's HTTP column, where there is no reply of the handler to give. */
export function refusalFor(outcome: TaskOutcome, token: string, detail: string): Refusal {
  const kind = refusedAs(outcome);
  const [code, title, advice] = TEXTS[kind];
  const row =
    kind === 'failed' ? { status: 500, retryable: false, replayed: true } : HTTP_ANSWERS[kind];
  const retryAfterMs = waitOf(outcome);
  return refusal(
    {
      status: row.status,
      code,
      title,
      detail,
      retryable: row.retryable,
      advice,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      token,
    },
    row.replayed ? { 'idempotency-replayed': 'true' } : {},
  );
}

function refusedAs(outcome: TaskOutcome): Refused {
  switch (outcome.kind) {
    case 'completed':
    case 'terminal_error':
      return 'failed';
    case 'replayed': {
      const { answer } = outcome;
      return answer.kind === 'error' && answer.error.code === 'cancelled' ? 'cancelled' : 'failed';
    }
    default:
      return outcome.kind;
  }
}

function waitOf(outcome: TaskOutcome): number | undefined {
  if ('retryAfterMs' in outcome) return outcome.retryAfterMs;
  return outcome.kind === 'store_away' ? 1_000 : undefined;
}
