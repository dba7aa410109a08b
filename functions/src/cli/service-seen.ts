import type { Operation } from '../client/index.ts';
import { decodeCanonical } from '../token/canonical.ts';
import type { OperationView } from './operation-view.ts';
import type { Payload } from './payload.ts';
import type { Kept, Seen, Standing } from './seen.ts';
import { whatNext } from './what-next.ts';

/** Commands that the service can carry out. */
export const SERVED: ReadonlySet<string> = new Set([
  'show',
  'ledger',
  'in-doubt',
  'resolve',
  'extend',
  'hold',
  'unhold',
  'expire',
  'force-release',
  'purge',
]);

/** An operation as the service tells it, ready to be shown. */
export function viewFromService(
  operation: Operation,
  now: number,
  invocation: string,
): OperationView {
  const seen = seenAtService(operation, now);
  const result = resultOf(operation);
  const phrasing = {
    invocation,
    signature: '--reason WHY',
    serves: (command: string) => SERVED.has(command),
  };
  return { seen, now, ...(result && { result }), next: whatNext(seen, now, phrasing) };
}

function seenAtService(operation: Operation, now: number): Seen {
  const { token, root, path, action, agent, effect, logicalTime, attempt, fence } = operation;
  const { madeAt, createdAt, updatedAt, started, trackingId, override } = operation;
  const standing = standingOf(operation, now);
  const settled = 'completedAt' in standing;
  return {
    token,
    root,
    path,
    action,
    agent,
    effect,
    logicalTime,
    attempt,
    fence,
    madeAt,
    createdAt,
    updatedAt,
    open: started && !settled,
    ...(trackingId !== undefined && { trackingId }),
    ...(override && { override }),
    standing,
  };
}

const UNTOLD = { code: 'unknown', message: 'The service does not say.', retryable: false };

function standingOf(operation: Operation, now: number): Standing {
  const { state, error, reason = '', completedAt = 0, forgetAt = 0 } = operation;
  switch (state) {
    case 'free':
      return { status: state, ...(error && { error }) };
    case 'in_flight':
      return { status: state, until: now + (operation.retryAfterMs ?? 0), ...(error && { error }) };
    case 'in_doubt':
      return { status: state, error: error ?? UNTOLD };
    case 'completed':
    case 'failed':
    case 'cancelled':
      if (operation.archived) return { status: 'archived', outcome: state, completedAt, forgetAt };
  }
  switch (state) {
    case 'completed':
      return { status: state, ...keptOf(operation) };
    case 'failed':
      return { status: state, ...keptOf(operation), error: error ?? UNTOLD };
    case 'cancelled':
      return { status: state, ...keptOf(operation), reason };
  }
}

function keptOf({ completedAt = 0, expireAt = 0, hold }: Operation): Kept {
  return { completedAt, expireAt, ...(hold && { hold }) };
}

/** Of an archived operation also its error or reason, as the store's own view has it. */
function resultOf({ result, resultGone, archived, error, reason }: Operation): Payload | undefined {
  if (resultGone !== undefined) return { kind: 'gone', why: resultGone };
  if (result !== undefined)
    return { kind: 'value', value: decodeCanonical(JSON.stringify(result)) };
  const told = archived ? (error ?? reason) : undefined;
  return told === undefined ? undefined : { kind: 'value', value: told };
}
