import { decideClaim } from '../operation/claim.ts';
import type { ClaimRequest } from '../operation/claim.ts';
import type { OperationRecord, StoredOperation } from '../operation/record.ts';
import type { OperationDocuments, WriteOrder } from '../ports/operation-documents.ts';
import { documentId } from '../token/token.ts';
import { sameWindow } from '../token/window.ts';

/**
 * Settles which token a windowed request stands under, creating its first record where none does.
 *
 * Two makers of one request may fall into neighbouring buckets, so all three are read and the record
 * created in one transaction. A neighbour counts only if it was made less than one window apart.
 * The request comes back under the token that owns it: the caller's next read finds either its own
 * record or the one to decide on.
 */
export async function findWindowOwner<Request extends ClaimRequest>(
  documents: OperationDocuments,
  request: Request,
  firstRecord: (id: string, at: number) => OperationRecord,
): Promise<Request> {
  const { window, facts } = request;
  if (!window) return request;
  const ids = [facts.token, ...window.neighbours].map((token) =>
    documentId(facts.namespace, token),
  );

  const { found } = await documents.transact(ids, ({ found: standing, at }): WriteOrder => {
    const [own] = ids;
    const decision = decideClaim(undefined, request, at);
    if (own === undefined || owner(standing, request) || decision.kind !== 'create') {
      return { kind: 'nothing' };
    }
    return { kind: 'create', id: own, record: firstRecord(own, at) };
  });

  const standing = owner(found, request);
  return standing ? { ...request, facts: { ...facts, token: standing.record.token } } : request;
}

function owner(
  [own, ...neighbours]: readonly (StoredOperation | undefined)[],
  { facts, window }: ClaimRequest,
): StoredOperation | undefined {
  if (own) return own;
  return neighbours.find(
    (other) =>
      other !== undefined &&
      window !== undefined &&
      other.record.requestHash === facts.requestHash &&
      sameWindow(other.record.madeAt, facts.madeAt, window.lengthMs),
  );
}
