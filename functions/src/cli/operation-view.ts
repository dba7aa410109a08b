import { payloadJson } from './payload.ts';
import type { Payload } from './payload.ts';
import type { Kept, Seen } from './seen.ts';
import type { Next } from './what-next.ts';

/** One operation with its payloads read, ready to be shown. */
export interface OperationView {
  readonly seen: Seen;
  /** The time at which it was looked at: the store's, where that is known. */
  readonly now: number;
  readonly params?: Payload;
  readonly result?: Payload;
  readonly next: Next;
}

/** What a program gets: the fields that mean something outside, times in ISO 8601. */
export function viewJson(view: OperationView): Readonly<Record<string, unknown>> {
  const { seen, params, result, next } = view;
  const { token, root, namespace, action, agent, path, logicalTime } = seen;
  const { effect, attempt, fence, retention, trackingId, override } = seen;
  return {
    token,
    root,
    ...(namespace !== undefined && { namespace }),
    action,
    agent,
    status: seen.standing.status,
    path,
    logicalTime,
    effect,
    attempt,
    fence,
    ...(retention !== undefined && { class: retention }),
    ...(seen.open && { started: true }),
    ...(trackingId !== undefined && { trackingId }),
    madeAt: iso(seen.madeAt),
    firstClaimedAt: iso(seen.createdAt),
    updatedAt: iso(seen.updatedAt),
    ...standingJson(seen),
    ...(params && { params: payloadJson(params) }),
    ...(result && { result: payloadJson(result) }),
    ...(override && { override: { ...override, at: iso(override.at) } }),
    next,
  };
}

function standingJson({ standing }: Seen): Readonly<Record<string, unknown>> {
  switch (standing.status) {
    case 'claimed':
      return { holder: standing.holder.name, leaseUntil: iso(standing.leaseUntil) };
    case 'in_flight': {
      const { until, error } = standing;
      return { until: iso(until), ...(error && { error }) };
    }
    case 'free':
      return standing.error ? { error: standing.error } : {};
    case 'released': {
      const { error, notBefore } = standing;
      return { notBefore: iso(notBefore), ...(error && { error }) };
    }
    case 'in_doubt':
      return { error: standing.error };
    case 'completed': {
      const { followUps } = standing;
      return { ...keptJson(standing), ...(followUps && { sent: followUps === 'sent' }) };
    }
    case 'failed':
      return { ...keptJson(standing), error: standing.error };
    case 'cancelled':
      return { ...keptJson(standing), reason: standing.reason };
    case 'archived': {
      const { outcome, pointer, completedAt, forgetAt } = standing;
      return {
        outcome,
        ...(pointer && { pointer }),
        completedAt: iso(completedAt),
        forgetAt: iso(forgetAt),
      };
    }
  }
}

function keptJson({ completedAt, expireAt, hold }: Kept): Readonly<Record<string, unknown>> {
  return { completedAt: iso(completedAt), expireAt: iso(expireAt), ...(hold && { hold }) };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
