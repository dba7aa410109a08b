import { StoreAway } from '../operation/errors.ts';
import type { RecordedError } from '../operation/errors.ts';
import { decideSettle } from '../operation/settle.ts';
import type { OperationDocuments, Patch } from '../ports/operation-documents.ts';
import type { Claim, Completion, HeldAnswer, Release, SettleAnswer } from '../ports/token-store.ts';
import { documentId } from '../token/token.ts';
import { unlessUnknown } from './unknown.ts';

const MAX_ROUNDS = 5;

/** What only a claimed or waiting record carries. */
const NO_LONGER_HELD = { leaseMs: null, holder: null, notBefore: null, dueAt: null };

/** Records that an effect may be sent from now on. */
export async function start(
  documents: OperationDocuments,
  claim: Claim,
  trackingId: string,
): Promise<HeldAnswer> {
  const patch = { trackingId, started: true, ...dueAtLeaseEnd(documents, claim) };
  const answer = await hold(documents, claim, patch);
  if (answer.kind === 'lost') return answer;
  return { kind: 'held', claim: { ...answer.claim, trackingId, started: true } };
}

export function renew(documents: OperationDocuments, claim: Claim): Promise<HeldAnswer> {
  return hold(documents, claim, { leaseMs: claim.leaseMs, ...dueAtLeaseEnd(documents, claim) });
}

/** Result and follow-ups in one write. The stored task goes, unless follow-ups are yet to be derived. */
export function complete(
  documents: OperationDocuments,
  claim: Claim,
  { result, outbox }: Completion,
): Promise<SettleAnswer> {
  const now = documents.now();
  return settle(documents, claim, {
    ...NO_LONGER_HELD,
    ...settledAt(now, claim),
    status: 'completed',
    result,
    sent: outbox === undefined,
    ...(outbox && { outbox, dueAt: Math.ceil(now) }),
    ...(outbox?.kind !== 'pending' && { task: null }),
  });
}

export function fail(
  documents: OperationDocuments,
  claim: Claim,
  error: RecordedError,
): Promise<SettleAnswer> {
  return settle(documents, claim, {
    ...NO_LONGER_HELD,
    ...settledAt(documents.now(), claim),
    status: 'failed',
    error,
    task: null,
  });
}

/** Gives the token back. The task stays in the record, for whoever comes next. */
export function release(
  documents: OperationDocuments,
  claim: Claim,
  { waitMs, error, started }: Release,
): Promise<SettleAnswer> {
  const notBefore = Math.ceil(documents.now() + waitMs);
  return settle(documents, claim, {
    status: 'released',
    leaseMs: null,
    notBefore,
    dueAt: claim.redrivable ? notBefore : null,
    ...(error && { error }),
    started: started ? true : null,
  });
}

export function doubt(
  documents: OperationDocuments,
  claim: Claim,
  error: RecordedError,
): Promise<SettleAnswer> {
  return settle(documents, claim, { ...NO_LONGER_HELD, status: 'in_doubt', error });
}

async function hold(
  documents: OperationDocuments,
  claim: Claim,
  patch: Patch,
): Promise<HeldAnswer> {
  const answer = await settle(documents, claim, patch);
  if (answer.kind === 'lost') return answer;
  return { kind: 'held', claim: { ...claim, revision: answer.revision } };
}

/**
 * One write by a holder, conditional on its claim's last revision. Where the answer is a refusal or
 * does not come, the record is read and the settle table asked, until the write is known to stand or
 * the claim to be lost.
 */
async function settle(
  documents: OperationDocuments,
  claim: Claim,
  patch: Patch,
): Promise<SettleAnswer> {
  const id = documentId(claim.namespace, claim.token);
  let { revision } = claim;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const answer = await unlessUnknown(() => documents.update(id, revision, patch));
    if (answer?.kind === 'written') {
      return { kind: 'settled', revision: answer.revision, at: answer.at };
    }
    const { found, at } = await documents.read([id]);
    const decision = decideSettle(found[0], claim);
    if (decision.kind === 'lost') return decision;
    if (decision.kind === 'done') return { kind: 'settled', revision: decision.found.revision, at };
    revision = decision.revision;
  }
  throw new StoreAway(
    `The record of token ${claim.token} could not be written in ${MAX_ROUNDS} tries. ` +
      'Whether it stands is unknown; the next delivery of the task finds out.',
  );
}

function settledAt(storeNow: number, claim: Claim): Patch {
  return { completedAt: Math.floor(storeNow), expireAt: Math.ceil(storeNow + claim.ttlMs) };
}

function dueAtLeaseEnd(documents: OperationDocuments, claim: Claim): Patch {
  return claim.redrivable ? { dueAt: Math.ceil(documents.now() + claim.leaseMs) } : {};
}
