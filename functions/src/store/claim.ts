import { decideClaim, stricter } from '../operation/claim.ts';
import type { ClaimDecision, ClaimRequest, ReconcileQuestion } from '../operation/claim.ts';
import { StoreAway } from '../operation/errors.ts';
import type { InDoubtRecord, OperationRecord, StoredOperation } from '../operation/record.ts';
import type { OperationDocuments } from '../ports/operation-documents.ts';
import type { Claim, ClaimAnswer } from '../ports/token-store.ts';
import { documentId, shownToken } from '../token/token.ts';
import { findWindowOwner } from './claim-window.ts';
import { standingAnswer } from './standing-answer.ts';
import { unlessUnknown } from './unknown.ts';
import { firstClaim, lapsedIntoDoubt, nextClaim, patched } from './new-record.ts';

/** Rounds of read and decide before a token counts as too contended to answer for. */
const MAX_ROUNDS = 8;

/**
 * Claims a token: one conditional `create` where nothing is known of it, else a read, the table's
 * decision, and where that is a take-over one write conditional on what was read.
 */
export async function claim(
  documents: OperationDocuments,
  shards: number,
  asked: ClaimRequest,
): Promise<ClaimAnswer> {
  const request = asked.window
    ? await findWindowOwner(documents, asked, (own, at) => firstClaim(own, asked, shards, at))
    : asked;
  const id = documentId(request.facts.namespace, request.facts.token);
  const readFirst = request.likelyDuplicate === true || asked.window !== undefined;
  let mayCreate = !readFirst && decideClaim(undefined, request, documents.now()).kind === 'create';

  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    if (mayCreate) {
      const record = firstClaim(id, request, shards, documents.now());
      const answer = await unlessUnknown(() => documents.create(id, record));
      if (answer?.kind === 'written') return claimed(request, answer.revision, record);
    }
    const { found, at } = await documents.read([id]);
    const decision = decideClaim(found[0], request, at);
    const answer = await act(documents, id, found[0], request, decision, at);
    if (answer) return answer;
    mayCreate = decision.kind === 'create';
  }
  throw new StoreAway(
    `Token ${shownToken(request.facts.token)} changed hands ${MAX_ROUNDS} times while it was being claimed. ` +
      'Nothing was run; deliver the task again later.',
  );
}

/** Carries a decision out; `undefined` where what was read no longer holds and is to be read again. */
async function act(
  documents: OperationDocuments,
  id: string,
  found: StoredOperation | undefined,
  request: ClaimRequest,
  decision: ClaimDecision,
  at: number,
): Promise<ClaimAnswer | undefined> {
  switch (decision.kind) {
    case 'create':
      return undefined;
    case 'holding':
      return (
        found && {
          ...asking(claimed(request, found.revision, found.record), decision.reconcile),
          standing: true,
        }
      );
    case 'takeOver': {
      if (found?.record.status !== 'claimed' && found?.record.status !== 'released')
        return undefined;
      const { revision, record } = found;
      const patch = nextClaim(record, request, at);
      const answer = await unlessUnknown(() => documents.update(id, revision, patch));
      if (answer?.kind !== 'written') return undefined;
      return asking(claimed(request, answer.revision, patched(record, patch)), decision.reconcile);
    }
    case 'doubt': {
      if (!found) return undefined;
      const patch = lapsedIntoDoubt(decision.record);
      const answer = await unlessUnknown(() => documents.update(id, found.revision, patch));
      if (answer?.kind !== 'written') return undefined;
      const { revision, at: updatedAt } = answer;
      const record = patched(found.record, patch) as InDoubtRecord;
      return { kind: 'inDoubt', found: { ...found, record, revision, updatedAt }, fresh: true };
    }
    default:
      return standingAnswer(decision, found, at);
  }
}

function asking(
  taken: { kind: 'claimed'; claim: Claim },
  reconcile: ReconcileQuestion | undefined,
): Extract<ClaimAnswer, { kind: 'claimed' }> {
  return reconcile ? { ...taken, reconcile } : taken;
}

function claimed(
  request: ClaimRequest,
  revision: string,
  record: OperationRecord,
): { kind: 'claimed'; claim: Claim } {
  const { fence, attempt, trackingId, token, retention, effect } = record;
  const claim = {
    namespace: request.facts.namespace,
    token,
    claimId: request.claimId,
    fence,
    attempt,
    revision,
    leaseMs: request.leaseMs,
    ttlMs: retention.ttlMs,
    effect: stricter(effect, request.facts.effect),
    started: record.started === true,
    redrivable: 'task' in record && record.task !== undefined,
  };
  return { kind: 'claimed', claim: trackingId === undefined ? claim : { ...claim, trackingId } };
}
