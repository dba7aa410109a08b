import { StoreAway } from '../operation/errors.ts';
import type { RecordedError } from '../operation/errors.ts';
import type { StoredOperation } from '../operation/record.ts';
import { decideSettle } from '../operation/settle.ts';
import type { OperationDocuments, Patch, WriteAnswer } from '../ports/operation-documents.ts';
import type { Claim, Completion, HeldAnswer, Release, SettleAnswer } from '../ports/token-store.ts';
import type { DocumentWrite, WorkflowDocuments } from '../ports/workflow-documents.ts';
import type { DeriveProgress, ProgressWrite } from '../ports/workflow-store.ts';
import { documentId, shownToken } from '../token/token.ts';
import { unlessUnknown } from './unknown.ts';
import { documentWrite, keepsWorkflows } from './workflow-store.ts';

type Documents = OperationDocuments & Partial<WorkflowDocuments>;

const MAX_ROUNDS = 8;

/** What a claimed record carries and no later one. */
const NO_LONGER_HELD = { leaseMs: null, holder: null, dueAt: null };

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
  documents: Documents,
  claim: Claim,
  { result, outbox }: Completion,
  also?: DeriveProgress,
): Promise<SettleAnswer> {
  const now = documents.now();
  const patch = {
    ...NO_LONGER_HELD,
    ...settledAt(now, claim),
    status: 'completed',
    result,
    sent: outbox === undefined,
    ...(outbox && { outbox, dueAt: Math.ceil(now) }),
    ...(outbox?.kind !== 'pending' && { task: null }),
  };
  return settle(documents, claim, patch, also);
}

export function fail(
  documents: Documents,
  claim: Claim,
  error: RecordedError,
  also?: DeriveProgress,
): Promise<SettleAnswer> {
  const times = settledAt(documents.now(), claim);
  const patch = { ...NO_LONGER_HELD, ...times, status: 'failed', error, task: null };
  return settle(documents, claim, patch, also);
}

/** Gives the token back. The task stays in the record, for whoever comes next. */
export function release(
  documents: OperationDocuments,
  claim: Claim,
  { waitMs, error, started, uncounted }: Release,
): Promise<SettleAnswer> {
  const notBefore = Math.ceil(documents.now() + waitMs);
  return settle(documents, claim, {
    status: 'released',
    ...(uncounted && { attempt: claim.attempt - 1 }),
    leaseMs: null,
    notBefore,
    dueAt: claim.redrivable ? notBefore : null,
    ...(error && { error }),
    started: started ? true : null,
  });
}

export async function giveBack(documents: OperationDocuments, claim: Claim): Promise<void> {
  const now = documents.now();
  const patch = {
    status: 'released',
    attempt: claim.attempt - 1,
    started: claim.started ? true : null,
    leaseMs: null,
    notBefore: Math.floor(now),
    dueAt: claim.redrivable ? Math.ceil(now) : null,
  };
  const id = documentId(claim.namespace, claim.token);
  await unlessUnknown(() => documents.update(id, claim.revision, patch));
}

export function doubt(
  documents: Documents,
  claim: Claim,
  error: RecordedError,
  also?: DeriveProgress,
): Promise<SettleAnswer> {
  return settle(documents, claim, { ...NO_LONGER_HELD, status: 'in_doubt', error }, also);
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
  documents: Documents,
  claim: Claim,
  patch: Patch,
  also?: DeriveProgress,
): Promise<SettleAnswer> {
  const id = documentId(claim.namespace, claim.token);
  let { revision } = claim;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const answer = await unlessUnknown(async () => {
      const progress = await also?.();
      return progress
        ? together(documents, { id, revision, patch }, progress)
        : documents.update(id, revision, patch);
    });
    if (answer?.kind === 'written') {
      return { kind: 'settled', revision: answer.revision, at: answer.at };
    }
    const { found } = await documents.read([id]);
    const decision = decideSettle(found[0], claim);
    if (decision.kind === 'lost') return decision;
    if (decision.kind === 'done') return settledAs(patch['status'], decision.found);
    revision = decision.revision;
  }
  throw new StoreAway(
    `The record of token ${shownToken(claim.token)} could not be written in ${MAX_ROUNDS} tries. ` +
      'Whether it stands is unknown; the next delivery of the task finds out.',
  );
}

/** The operation's write and its workflow's, in one commit. */
async function together(
  documents: Documents,
  { id, revision, patch }: { id: string; revision: string; patch: Patch },
  progress: ProgressWrite,
): Promise<WriteAnswer> {
  if (!keepsWorkflows(documents)) {
    throw new TypeError(
      `The ${documents.name} store holds tokens only; workflows need another one.`,
    );
  }
  const operation: DocumentWrite = { kind: 'update', of: 'operations', id, revision, patch };
  const answer = await documents.commit([operation, documentWrite(progress)]);
  if (answer.kind === 'refused') return answer;
  return { kind: 'written', revision: answer.revisions[0] ?? revision, at: answer.at };
}

/**
 * The claim is over. Unless it ended the way this write would have it, the write does not stand. How it
 * ended is known of an archived operation too.
 */
function settledAs(
  status: unknown,
  { record, revision, updatedAt }: StoredOperation,
): SettleAnswer {
  const ended = record.status === 'archived' ? record.outcome : record.status;
  if (ended !== status) return { kind: 'lost' };
  return { kind: 'settled', revision, at: updatedAt };
}

function settledAt(storeNow: number, claim: Claim): Patch {
  return { completedAt: Math.floor(storeNow), expireAt: Math.ceil(storeNow + claim.ttlMs) };
}

function dueAtLeaseEnd(documents: OperationDocuments, claim: Claim): Patch {
  return claim.redrivable ? { dueAt: Math.ceil(documents.now() + claim.leaseMs) } : {};
}
