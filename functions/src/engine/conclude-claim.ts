import type { RecordedError } from '../operation/errors.ts';
import type { StoredValue } from '../operation/record.ts';
import type { Claim, HeldAnswer } from '../ports/token-store.ts';
import { discardUnnamed } from './discard-blobs.ts';
import { packValue } from './payload.ts';
import type { Runtime } from './runtime.ts';
import { within } from './within.ts';

/** A claim whose holder is another program, with what it is said to run. */
export interface HeldClaim {
  readonly claim: Claim;
  readonly action: string;
  /** Its class's name. */
  readonly retention: string;
}

/** What a holder's last word came to. */
export type Concluded =
  | { readonly kind: 'completed'; readonly at: number; readonly result: StoredValue }
  | { readonly kind: 'failed'; readonly at: number; readonly error: RecordedError }
  | { readonly kind: 'released'; readonly at: number }
  | { readonly kind: 'in_doubt'; readonly at: number; readonly error: RecordedError }
  | { readonly kind: 'lost' };

/** Records that the effect may be sent from now on. Idempotent. */
export function startClaim(
  { store, clock, limits }: Runtime,
  { claim }: HeldClaim,
  trackingId: string,
): Promise<HeldAnswer> {
  const known = claim.trackingId ?? trackingId;
  return within(clock, limits.claimAnswerMs, store.start(claim, known));
}

export function renewClaim(
  { store, clock, limits }: Runtime,
  { claim }: Pick<HeldClaim, 'claim'>,
): Promise<HeldAnswer> {
  return within(clock, limits.claimAnswerMs, store.renew(claim));
}

/**
 * The result, as the claim's last write. Sent again under the same claim it is answered the same.
 *
 * @throws {StoreAway} whether it is recorded is then unknown; sending it again is safe
 */
export async function completeClaim(
  runtime: Runtime,
  { claim }: HeldClaim,
  value: unknown,
): Promise<Concluded> {
  const { store, blobs, clock, limits } = runtime;
  const write = packValue(value, blobs, claim).then(async (result) => ({
    result,
    answer: await store.complete(claim, { result }),
  }));
  const { result, answer } = await within(clock, limits.recordAnswerMs, write);
  // Where it is sent again, the record may have been archived or purged since.
  await discardUnnamed(runtime, claim, [result]);
  return answer.kind === 'lost' ? answer : { kind: 'completed', at: answer.at, result };
}

export interface NotCompleted {
  readonly error: RecordedError;
  /** Give the token back for another attempt, no sooner than after so long. Absent: failed for good. */
  readonly againAfterMs?: number | undefined;
  /** The effect did not happen and will not: the provider refused it, or was never reached. */
  readonly notDone: boolean;
}

/**
 * Ends a claim without a result. Where the effect may have been sent and leaves a question, neither a
 * failure nor another attempt is recorded: a `once` effect is parked in doubt, and a `reconcilable` one
 * is given back with its question to the provider.
 */
export async function concludeWithout(
  { store, clock, limits }: Runtime,
  { claim }: Pick<HeldClaim, 'claim'>,
  { error, againAfterMs, notDone }: NotCompleted,
): Promise<Concluded> {
  const { effect } = claim;
  const maybeSent = !notDone && (claim.started || effect === 'idempotent');
  const open = maybeSent && effect !== 'idempotent' && effect !== 'pure';
  const kind = open
    ? effect === 'once'
      ? 'in_doubt'
      : 'released'
    : againAfterMs === undefined
      ? 'failed'
      : 'released';
  const recorded = { ...error, retryable: kind === 'released' };
  const write = () => {
    switch (kind) {
      case 'in_doubt':
        return store.doubt(claim, recorded);
      case 'failed':
        return store.fail(claim, recorded);
      case 'released': {
        const started = maybeSent && effect !== 'pure';
        return store.release(claim, { waitMs: againAfterMs ?? 0, error: recorded, started });
      }
    }
  };
  const answer = await within(clock, limits.recordAnswerMs, write());
  if (answer.kind === 'lost') return answer;
  const { at } = answer;
  return kind === 'released' ? { kind, at } : { kind, at, error: recorded };
}
