import type { StoredOutbox } from '../operation/record.ts';
import type { TaskMessage } from '../operation/task.ts';
import type { Claim } from '../ports/token-store.ts';
import { decodeCanonical, encodeCanonical } from '../token/canonical.ts';
import { shownToken } from '../token/token.ts';
import type { Namespace } from '../token/token.ts';
import { checkFollowUps } from './check-follow-ups.ts';
import type { CheckedFollowUps, RefusedFollowUp } from './check-follow-ups.ts';
import { packText } from './payload.ts';
import type { Owner } from './payload.ts';
import type { Runtime } from './runtime.ts';
import type { Steps } from './register-steps.ts';
import type { AnyStep } from './step.ts';
import { waitForAll } from './wait-for-all.ts';

/** What a result leads to: tasks, nothing, or `pending` where that can't be said here and now. */
export type Following =
  | ({ readonly kind: 'known' } & CheckedFollowUps)
  | { readonly kind: 'pending'; readonly error: unknown };

/** The run that a result comes from, as far as its follow-ups depend on it. */
export interface Origin {
  readonly step: AnyStep;
  readonly params: unknown;
  /** What may follow. */
  readonly steps: Steps;
  readonly task: TaskMessage;
}

/**
 * Derives the follow-ups. The effect is done by now, so that neither a throwing `next` nor one that asks
 * for what can't be run undoes the result.
 */
export async function following(
  { steps, step, params, task }: Origin,
  namespace: Namespace,
  result: unknown,
): Promise<Following> {
  try {
    const followUps = step.next?.(result, params) ?? [];
    const checked = await checkFollowUps(steps, { step, task, namespace }, followUps);
    outboxText(checked);
    return { kind: 'known', ...checked };
  } catch (error) {
    return { kind: 'pending', error };
  }
}

/** The ones that were refused are kept with the others: what becomes of both, a crash must not undo. */
type Kept = TaskMessage | { readonly refused: RefusedFollowUp };

function outboxText({ tasks, refused }: CheckedFollowUps): string {
  const kept: Kept[] = [...tasks, ...refused.map((each) => ({ refused: each }))];
  return encodeCanonical(kept);
}

export async function packOutbox(
  following: Following,
  { blobs }: Runtime,
  owner: Owner,
): Promise<StoredOutbox | undefined> {
  if (following.kind === 'pending') return { kind: 'pending' };
  if (following.tasks.length + following.refused.length === 0) return undefined;
  return packText(outboxText(following), blobs, owner);
}

/** The inverse of what {@link packOutbox} keeps. */
export function followUpsOf(text: string): CheckedFollowUps {
  const kept = decodeCanonical(text) as readonly Kept[];
  return {
    tasks: kept.flatMap((each) => ('refused' in each ? [] : [each])),
    refused: kept.flatMap((each) => ('refused' in each ? [each.refused] : [])),
  };
}

/**
 * Publishes recorded follow-ups, records the refused ones as operations of their own, then marks that it
 * is done. A crash in between does it again: harmless.
 */
export async function publishFollowUps(
  runtime: Runtime,
  { tasks, refused }: CheckedFollowUps,
  { namespace, token, revision }: Pick<Claim, 'namespace' | 'token' | 'revision'>,
): Promise<void> {
  const { publisher, store } = runtime;
  await waitForAll([
    ...(tasks.length > 0 ? [publisher.publish(tasks)] : []),
    ...refused.map((each) => recordRefused(runtime, each)),
  ]);
  await store.markSent(namespace, token, revision);
}

/** Said after it is on record, and again where a crash makes it be recorded again: rather twice than never. */
async function recordRefused(
  { store, telemetry, newClaimId }: Runtime,
  { facts, error }: RefusedFollowUp,
): Promise<void> {
  const { action, namespace, token } = facts;
  const standing = (await store.get(namespace, token))?.record;
  const refusedBefore = standing?.status === 'failed' && standing.error.code === error.code;
  // Made by an earlier definition, it may have been published then, and be under way.
  if (standing && !refusedBefore) return;
  if (!standing) {
    await store.record({ facts, claimId: newClaimId(), outcome: { status: 'failed', error } });
  }
  telemetry.event('ERROR', 'A task that was to follow from a result is refused for good', {
    action,
    namespace,
    token: shownToken(token),
    error: { code: error.code, message: error.message },
  });
}
