import { isTerminal } from '../operation/record.ts';
import type { StoredOperation, TerminalRecord } from '../operation/record.ts';
import type { OperationDocuments } from '../ports/operation-documents.ts';
import { slidExpiry } from '../retention/sliding.ts';
import { documentId } from '../token/token.ts';
import { unlessUnknown } from './unknown.ts';

/** One write where a longer life is due; where it is refused, one read of what stands instead. */
export async function slide(
  documents: OperationDocuments,
  operation: StoredOperation<TerminalRecord>,
): Promise<StoredOperation<TerminalRecord>> {
  const { record, revision } = operation;
  if (record.status === 'archived') return operation;
  const expireAt = slidExpiry({ ...record, ...record.retention, storeNow: documents.now() });
  if (expireAt === undefined) return operation;
  const id = documentId(record.namespace, record.token);
  const answer = await unlessUnknown(() => documents.update(id, revision, { expireAt }));
  if (answer?.kind === 'written') {
    const slid = { ...record, expireAt };
    return { ...operation, record: slid, revision: answer.revision, updatedAt: answer.at };
  }
  const [standing] = (await documents.read([id])).found;
  if (!standing || !isTerminal(standing.record)) return operation;
  return { ...standing, record: standing.record };
}
