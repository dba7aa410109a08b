import type { RecordedError } from '../operation/errors.ts';
import type { StoredOperation, TerminalRecord } from '../operation/record.ts';
import type { RecordAnswer, RecordedOutcome, RecordRequest } from '../ports/token-store.ts';
import type { Token } from '../token/token.ts';
import { unsettled } from './begin-operation.ts';
import { discardUnnamed } from './discard-blobs.ts';
import { keepLonger } from './keep-longer.ts';
import type { Unsettled } from './begin-operation.ts';
import { recall } from './claim-token.ts';
import type { IdentifiedOperation } from './identify-operation.ts';
import { packValue, PayloadGone, sameValue } from './payload.ts';
import type { Owner } from './payload.ts';
import { readCold } from './read-cold.ts';
import type { Runtime } from './runtime.ts';
import { within } from './within.ts';

export type Outcome = { readonly result: unknown } | { readonly error: RecordedError };

export type RecordedAnswer =
  /** This call recorded it. */
  | { readonly kind: 'recorded'; readonly token: Token; readonly at: number }
  /** It stood there already, and says the same. */
  | { readonly kind: 'equal'; readonly found: StoredOperation<TerminalRecord> }
  | { readonly kind: 'other'; readonly found: StoredOperation<TerminalRecord> }
  | Unsettled;

/**
 * Records an outcome for an operation that nobody holds: the first one wins. One write for the first;
 * nothing at all where this instance has seen the operation settled.
 *
 * @throws {StoreAway} whether it is recorded is then unknown; sending it again is safe
 */
export async function recordOperation(
  runtime: Runtime,
  operation: IdentifiedOperation,
  outcome: Outcome,
): Promise<RecordedAnswer> {
  const { blobs, cache, clock, limits } = runtime;
  const { namespace, token } = operation.facts;
  const claimId = runtime.newClaimId();
  const windowed = operation.window !== undefined;
  const write = packed(outcome, blobs, { namespace, token, claimId, windowed }).then(
    async (recorded) => {
      const request: RecordRequest = {
        ...operation,
        claimId,
        likelyDuplicate: cache.mightKnow(namespace, token),
        outcome: recorded,
      };
      return { recorded, answer: await ask(runtime, request) };
    },
  );
  const { recorded, answer } = await within(clock, limits.recordAnswerMs, write);
  cache.meet(namespace, token);
  if (answer.kind !== 'recorded' && recorded.status === 'completed') {
    await discardUnnamed(runtime, placeOf(operation), [recorded.result]);
  }
  switch (answer.kind) {
    case 'recorded': {
      cache.admit(answer.found);
      const { record, updatedAt } = answer.found;
      return { kind: 'recorded', token: record.token, at: updatedAt };
    }
    case 'replayed':
    case 'cancelled': {
      const { found } = answer;
      cache.admit(answer.kind === 'replayed' ? await keepLonger(runtime, found) : found);
      return { kind: (await says(runtime, found.record, recorded)) ? 'equal' : 'other', found };
    }
    default:
      return unsettled(token, answer);
  }
}

function placeOf({ facts: { namespace, token }, window }: IdentifiedOperation) {
  return { namespace, token, ...(window && { window }) };
}

async function ask(runtime: Runtime, request: RecordRequest): Promise<RecordAnswer> {
  const remembered = recall(runtime, { ...request, leaseMs: 0, holder: '' });
  if (remembered && remembered.kind !== 'claimed') return remembered;
  return runtime.store.record(request);
}

async function packed(
  outcome: Outcome,
  blobs: Runtime['blobs'],
  owner: Owner,
): Promise<RecordedOutcome> {
  return 'error' in outcome
    ? { status: 'failed', error: outcome.error }
    : { status: 'completed', result: await packValue(outcome.result, blobs, owner) };
}

async function says(
  runtime: Runtime,
  standing: TerminalRecord,
  outcome: RecordedOutcome,
): Promise<boolean> {
  if (standing.status === 'archived') {
    const archived = await readCold(runtime, standing).catch(unlessGone);
    return archived !== undefined && says(runtime, archived, outcome);
  }
  if (outcome.status === 'completed') {
    return standing.status === 'completed' && sameValue(standing.result, outcome.result);
  }
  const { code, message } = outcome.error;
  return (
    standing.status === 'failed' &&
    standing.error.code === code &&
    standing.error.message === message
  );
}

function unlessGone(error: unknown): undefined {
  if (!(error instanceof PayloadGone)) throw error;
}
