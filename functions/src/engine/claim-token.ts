import { decideClaim } from '../operation/claim.ts';
import type { ClaimRequest } from '../operation/claim.ts';
import type { Claim, ClaimAnswer } from '../ports/token-store.ts';
import { countMiss } from './cold-miss.ts';
import type { Runtime } from './runtime.ts';
import { within } from './within.ts';

/** A claim's answer, with the monotonic instant before it was asked for: where the lease counts from. */
export type TimedAnswer = ClaimAnswer & {
  readonly askedAt: number;
  /** Answered from what this instance has seen settled, without the store. */
  readonly remembered: boolean;
};

/**
 * Asks for the token. What this instance has seen settled is answered without the store.
 *
 * @throws {StoreAway} when no answer comes in time. A claim that is won after that is released by its
 * own late answer.
 */
export async function claimToken(runtime: Runtime, request: ClaimRequest): Promise<TimedAnswer> {
  const { store, clock, cache, limits } = runtime;
  const { namespace, token } = request.facts;
  const askedAt = clock.monotonic();

  const remembered = recall(runtime, request);
  if (remembered) return { ...remembered, askedAt, remembered: true };

  const likelyDuplicate = request.likelyDuplicate === true || cache.mightKnow(namespace, token);
  const asked = store.claim({ ...request, likelyDuplicate });
  try {
    const answer = await within(clock, limits.claimAnswerMs, asked, (late) =>
      giveBack(runtime, late),
    );
    if (answer.kind === 'expired') countMiss(runtime, 'forgotten', aboutOf(request));
    return { ...answer, askedAt, remembered: false };
  } finally {
    // Not earlier: of calls made at once, all but one would read a record that is not there yet.
    cache.meet(namespace, token);
  }
}

/** The answer that follows from what this instance has seen settled, if it has. */
export function recall(runtime: Runtime, request: ClaimRequest): ClaimAnswer | undefined {
  const found = runtime.cache.recall(request.facts.namespace, request.facts.token);
  if (!found) return undefined;
  const decision = decideClaim(found, request, runtime.store.now());
  switch (decision.kind) {
    case 'replayed':
      return { kind: 'replayed', found, drift: decision.drift };
    case 'cancelled':
      return { kind: 'cancelled', found };
    case 'mismatch':
      return decision;
    default:
      return undefined;
  }
}

function aboutOf({ facts: { action, retention } }: ClaimRequest) {
  return { action, class: retention.name };
}

/** For a claim that nobody acts on. Where that fails, its lease lapses. */
export async function giveBackClaim(
  { store, telemetry }: Pick<Runtime, 'store' | 'telemetry'>,
  claim: Claim,
): Promise<void> {
  try {
    await store.giveBack(claim);
  } catch (error) {
    telemetry.event('WARNING', 'A claim could not be given back; its lease will lapse', {
      error: String(error),
    });
  }
}

function giveBack({ store, telemetry }: Runtime, late: ClaimAnswer): void {
  if (late.kind !== 'claimed') return;
  telemetry.event('WARNING', 'A claim was won too late and is given back', {
    attempt: late.claim.attempt,
  });
  void giveBackClaim({ store, telemetry }, late.claim);
}
