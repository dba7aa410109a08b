import { decideClaim } from '../operation/claim.ts';
import type { ClaimDecision, ClaimRequest } from '../operation/claim.ts';
import { StoreAway } from '../operation/errors.ts';
import { isTerminal } from '../operation/record.ts';
import type { InDoubtRecord, StoredOperation, TerminalRecord } from '../operation/record.ts';
import type { OperationDocuments, Patch } from '../ports/operation-documents.ts';
import type { RecordAnswer, RecordRequest } from '../ports/token-store.ts';
import { documentId, shownToken } from '../token/token.ts';
import { findWindowOwner } from './claim-window.ts';
import { lapsedIntoDoubt, patched, recordedOver, recordedUnclaimed } from './new-record.ts';
import { standingAnswer } from './standing-answer.ts';
import { unlessUnknown } from './unknown.ts';

const MAX_ROUNDS = 8;

/** What a record asks is what a claim would, but for a lease. */
type Asked = RecordRequest & ClaimRequest;

/**
 * Records an outcome without a claim: one `create` where nothing is known of the token, else a read and
 * the claims' table. An outcome that stands under the request's own claim id is its own, whatever became
 * of the answer.
 */
export async function record(
  documents: OperationDocuments,
  shards: number,
  request: RecordRequest,
): Promise<RecordAnswer> {
  const unleased: Asked = { ...request, leaseMs: 0, holder: '' };
  const asked = request.window
    ? await findWindowOwner(documents, unleased, (own, at) =>
        recordedUnclaimed(own, request, shards, at),
      )
    : unleased;
  const id = documentId(asked.facts.namespace, asked.facts.token);
  const readFirst = asked.likelyDuplicate === true || asked.window !== undefined;
  let mayCreate = !readFirst && decideClaim(undefined, asked, documents.now()).kind === 'create';

  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    if (mayCreate) {
      const made = recordedUnclaimed(id, asked, shards, documents.now());
      const answer = await unlessUnknown(() => documents.create(id, made));
      if (answer?.kind === 'written') {
        const { revision, at } = answer;
        return recorded({ record: made, revision, createdAt: at, updatedAt: at });
      }
    }
    const { found, at } = await documents.read([id]);
    const standing = found[0];
    if (standing && isOwn(standing, asked)) return recorded(standing);
    const decision = decideClaim(standing, asked, at);
    const answer = await act(documents, id, standing, asked, decision, at);
    if (answer) return answer;
    mayCreate = decision.kind === 'create';
  }
  throw new StoreAway(
    `Token ${shownToken(asked.facts.token)} changed hands ${MAX_ROUNDS} times while its outcome was being recorded. ` +
      'Send it again.',
  );
}

function recorded(found: StoredOperation<TerminalRecord>): RecordAnswer {
  return { kind: 'recorded', found };
}

function isOwn(
  found: StoredOperation,
  { claimId }: Asked,
): found is StoredOperation<TerminalRecord> {
  return found.record.claimId === claimId && isTerminal(found.record);
}

/** Carries a decision out; `undefined` where what was read no longer holds and is to be read again. */
async function act(
  documents: OperationDocuments,
  id: string,
  found: StoredOperation | undefined,
  asked: Asked,
  decision: ClaimDecision,
  at: number,
): Promise<RecordAnswer | undefined> {
  switch (decision.kind) {
    case 'create':
      return undefined;
    case 'holding':
    case 'takeOver': {
      if (found?.record.status !== 'claimed' && found?.record.status !== 'released') {
        return undefined;
      }
      const over = await write(documents, id, found, recordedOver(found.record, asked, at));
      return over && recorded(over as StoredOperation<TerminalRecord>);
    }
    case 'doubt': {
      if (!found) return undefined;
      const parked = await write(documents, id, found, lapsedIntoDoubt(decision.record));
      return (
        parked && { kind: 'inDoubt', found: parked as StoredOperation<InDoubtRecord>, fresh: true }
      );
    }
    default:
      return standingAnswer(decision, found, at);
  }
}

/** The record as it stands after the patch; `undefined` where it was refused, or nobody knows. */
async function write(
  documents: OperationDocuments,
  id: string,
  found: StoredOperation,
  patch: Patch,
): Promise<StoredOperation | undefined> {
  const answer = await unlessUnknown(() => documents.update(id, found.revision, patch));
  if (answer?.kind !== 'written') return undefined;
  const { revision, at: updatedAt } = answer;
  return { ...found, record: patched(found.record, patch), revision, updatedAt };
}
