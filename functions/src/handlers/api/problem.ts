import { z } from '@hono/zod-openapi';
import { HTTP_ANSWERS } from '../../operation/outcome.ts';
import type { OutcomeKind } from '../../operation/outcome.ts';
import type { Answer } from './answer.ts';

/** What can be wrong beyond the outcomes of operations. */
const OTHER_PROBLEMS = {
  unauthenticated: { status: 401, retryable: false },
  forbidden: { status: 403, retryable: false },
  absent: { status: 404, retryable: false },
  no_such_route: { status: 404, retryable: false },
  other_outcome: { status: 409, retryable: false },
  refused: { status: 409, retryable: false },
  stale: { status: 409, retryable: false },
  conflict: { status: 409, retryable: false },
  too_large: { status: 413, retryable: false },
  unsupported_media_type: { status: 415, retryable: false },
  rate_limited: { status: 429, retryable: true },
  unavailable: { status: 503, retryable: true },
  internal: { status: 500, retryable: true },
} as const;

type OtherProblem = keyof typeof OTHER_PROBLEMS;
type OutcomeProblem = Extract<
  OutcomeKind,
  'cancelled' | 'claim_lost' | 'in_doubt' | 'mismatch' | 'expired' | 'invalid' | 'store_away'
>;

export type ProblemCode = OtherProblem | OutcomeProblem | 'in_flight';

export const problemSchema = z
  .object({
    type: z.string().describe('`urn:agent-once:` and the code.'),
    title: z.string().describe('The same for every problem of this code.'),
    status: z.int(),
    detail: z.string().describe('What happened, and to what.'),
    code: z.string().describe('For programs to decide on.'),
    retryable: z
      .boolean()
      .describe('Whether the same request, sent again later, may be answered otherwise.'),
    advice: z.string().describe('What to do now.'),
    retryAfterMs: z.int().optional().describe('How long to wait, where that is known.'),
    faults: z.array(z.string()).optional().describe('Everything that is wrong, one entry each.'),
    token: z.string().optional().describe('Of the operation in question.'),
    version: z.int().optional().describe('`conflict`: where the entity is; 0 where it is not.'),
  })
  .openapi('Problem', { description: 'RFC 9457 problem details.' });

export type Problem = z.output<typeof problemSchema>;

/** Title and advice: the parts of a problem that depend on its code only. */
const TEXTS: Readonly<Record<ProblemCode, readonly [title: string, advice: string]>> = {
  unauthenticated: [
    'The caller is not known',
    'Send an ID token for this service: `Authorization: Bearer …`.',
  ],
  forbidden: [
    'The caller may not do this',
    'Ask whoever deployed the service for the role or the namespace.',
  ],
  absent: ['There is no such operation', 'Begin it, or check its token or key.'],
  no_such_route: ['There is no such endpoint', 'See /v1/openapi.json.'],
  other_outcome: [
    'Another outcome is on record',
    'Go on with the one on record; do not run the effect.',
  ],
  refused: [
    'The intervention does not fit the operation',
    'Look at the operation; choose one that does.',
  ],
  stale: [
    'The operation has changed since it was looked at',
    'Look at it again, and decide on what it is now.',
  ],
  conflict: [
    'The entity is at another version',
    'Read it again, decide on what it is now, and write that under a new key.',
  ],
  too_large: ['The request is too large', 'Send less, or a reference to where the data lies.'],
  unsupported_media_type: ['The body is not JSON', 'Send it as application/json.'],
  rate_limited: ['Too many requests', 'Send it again after `retryAfterMs`.'],
  unavailable: ['The service cannot answer now', 'Send the same request again later.'],
  internal: [
    'Something went wrong in the service',
    'Do not run the effect. Send the same request again; if this stays, tell an operator.',
  ],
  cancelled: ['The operation was cancelled', 'Do not run the effect. It will never be runnable.'],
  claim_lost: [
    'The claim is not held any more',
    'Stop; send and record nothing more under it. Begin anew to learn how the operation stands.',
  ],
  in_doubt: [
    'Nobody can say whether the effect happened',
    'Do not run the effect. A person has to resolve the operation.',
  ],
  mismatch: [
    'The key or token belongs to another request',
    'Use a new key for a new request, or send the same action and params as before.',
  ],
  expired: [
    'The request is too old',
    'Whether it ran can no longer be known. Make a new request if it is still wanted.',
  ],
  invalid: ['The request is not valid', 'Mend what `faults` names.'],
  store_away: [
    'The store gave no answer in time',
    'Do not run the effect. Send the same request again after `retryAfterMs`.',
  ],
  in_flight: [
    'Somebody else runs the operation now',
    'Do not run the effect. Send the same request again after `retryAfterMs`.',
  ],
};

export interface ProblemDetails {
  readonly retryAfterMs?: number;
  readonly faults?: readonly string[];
  readonly token?: string;
  readonly version?: number;
}

/** A problem as an answer, `Retry-After` included. */
export function problem(code: ProblemCode, detail: string, more: ProblemDetails = {}): Answer {
  const { status, retryable } = rowOf(code);
  const [title, advice] = TEXTS[code];
  const retryAfterMs = more.retryAfterMs ?? (status === 503 ? 1_000 : undefined);
  const body: Problem = {
    type: `urn:agent-once:${code}`,
    title,
    status,
    detail,
    code,
    retryable,
    advice,
    ...(retryAfterMs !== undefined && { retryAfterMs: Math.max(1, Math.ceil(retryAfterMs)) }),
    ...(more.faults && { faults: [...more.faults] }),
    ...(more.token !== undefined && { token: more.token }),
    ...(more.version !== undefined && { version: more.version }),
  };
  return {
    status,
    body,
    headers: {
      'Content-Type': 'application/problem+json',
      ...(retryAfterMs !== undefined && { 'Retry-After': wholeSeconds(retryAfterMs) }),
      ...(code === 'cancelled' && { 'Idempotency-Replayed': 'true' }),
    },
  };
}

function rowOf(code: ProblemCode): { readonly status: number; readonly retryable: boolean } {
  if (code === 'in_flight') return HTTP_ANSWERS.in_flight_here;
  return code in OTHER_PROBLEMS
    ? OTHER_PROBLEMS[code as OtherProblem]
    : HTTP_ANSWERS[code as OutcomeProblem];
}

function wholeSeconds(ms: number): string {
  return String(Math.max(1, Math.ceil(ms / 1_000)));
}
