import type { RecordedError } from '../operation/errors.ts';
import type { StoredOperation, StoredValue, TerminalRecord } from '../operation/record.ts';
import type { Token } from '../token/token.ts';
import { beginOperation } from './begin-operation.ts';
import type { Begun } from './begin-operation.ts';
import { completeClaim, concludeWithout } from './conclude-claim.ts';
import type { IdentifiedOperation } from './identify-operation.ts';
import { packValue } from './payload.ts';
import type { Runtime } from './runtime.ts';

export type Outcome = { readonly result: unknown } | { readonly error: RecordedError };

export type RecordAnswer =
  /** This call recorded it. */
  | { readonly kind: 'recorded'; readonly token: Token; readonly at: number }
  /** It stood there already, and says the same. */
  | { readonly kind: 'equal'; readonly found: StoredOperation<TerminalRecord> }
  | { readonly kind: 'other'; readonly found: StoredOperation<TerminalRecord> }
  | Exclude<Begun, { kind: 'claimed' | 'settled' }>;

/** Marks claims that last for one write only; whoever meets one waits for it. */
const RECORDING = 'record:';
const LEASE_MS = 10_000;
const FIRST_POLL_MS = 5;
const LONGEST_POLL_MS = 200;

/**
 * Records an outcome for an operation that nobody claimed: the first one wins. Two writes, a claim and
 * its end; a crash between them leaves nothing that was answered, and the next one records its own.
 *
 * @throws {StoreAway} whether it is recorded is then unknown; sending it again is safe
 */
export async function recordOperation(
  runtime: Runtime,
  operation: IdentifiedOperation,
  outcome: Outcome,
): Promise<RecordAnswer> {
  const { clock, limits } = runtime;
  const giveUpAt = clock.monotonic() + limits.claimAnswerMs;
  for (let pollMs = FIRST_POLL_MS; ; pollMs = Math.min(LONGEST_POLL_MS, pollMs * 2)) {
    const claimId = runtime.newClaimId();
    const begun = await beginOperation(runtime, {
      ...operation,
      facts: { ...operation.facts, effect: 'pure' },
      claimId,
      leaseMs: LEASE_MS,
      holder: `${RECORDING}${claimId}`,
      started: false,
      strictContext: false,
    });
    if (begun.kind === 'claimed') {
      const { claim } = begun;
      const answer = await conclude(runtime, { claim, effect: 'pure' }, outcome);
      if (answer.kind !== 'lost') return { kind: 'recorded', token: claim.token, at: answer.at };
    } else if (begun.kind === 'settled') {
      const same = await says(runtime, begun.found.record, outcome);
      return { kind: same ? 'equal' : 'other', found: begun.found };
    } else if (begun.kind !== 'inFlight' || !begun.holder.startsWith(RECORDING)) {
      return begun;
    } else if (clock.monotonic() + pollMs >= giveUpAt) {
      return begun;
    }
    await new Promise<void>((resolve) => void clock.after(pollMs, resolve));
  }
}

function conclude(runtime: Runtime, held: Parameters<typeof completeClaim>[1], outcome: Outcome) {
  return 'error' in outcome
    ? concludeWithout(runtime, held, { error: outcome.error, notDone: true })
    : completeClaim(runtime, held, outcome.result);
}

async function says(
  { blobs }: Runtime,
  record: TerminalRecord,
  outcome: Outcome,
): Promise<boolean> {
  if ('error' in outcome) {
    const { error } = outcome;
    return (
      record.status === 'failed' &&
      record.error.code === error.code &&
      record.error.message === error.message
    );
  }
  if (record.status !== 'completed') return false;
  return equal(record.result, await packValue(outcome.result, blobs));
}

function equal(a: StoredValue, b: StoredValue): boolean {
  if (a.kind === 'inline' && b.kind === 'inline') return a.text === b.text;
  return a.kind === 'blob' && b.kind === 'blob' && a.name === b.name;
}
