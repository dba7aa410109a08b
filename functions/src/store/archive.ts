import type {
  ArchivedRecord,
  ArchivePointer,
  OperationRecord,
  StoredOperation,
  TerminalRecord,
} from '../operation/record.ts';
import type { OperationDocuments, Patch } from '../ports/operation-documents.ts';
import type { SettleAnswer } from '../ports/token-store.ts';
import { whyKept } from '../retention/archive-plan.ts';
import { writeOver } from './archive-write.ts';

/** The payload, and what the sweep and the archiver select by. */
const GONE = {
  result: null,
  error: null,
  reason: null,
  outbox: null,
  task: null,
  sent: null,
  expireAt: null,
  dueAt: null,
};

/** Replaces an expired terminal record by its stub, conditionally on the revision that was copied. */
export async function archive(
  documents: OperationDocuments,
  operation: StoredOperation<TerminalRecord>,
  pointer: ArchivePointer,
): Promise<SettleAnswer> {
  const { record } = operation;
  const now = documents.now();
  if (record.status === 'archived' || whyKept(record, now)) return { kind: 'lost' };
  const patch: Patch = {
    ...GONE,
    status: 'archived',
    outcome: record.status,
    pointer,
    forgetAt: Math.ceil(now + record.retention.forgetMs),
  };
  return writeOver(documents, operation, patch, pointsTo(pointer));
}

/** Moves a stub's pointer, where its object was written anew. */
export function repoint(
  documents: OperationDocuments,
  stub: StoredOperation<ArchivedRecord>,
  pointer: ArchivePointer,
): Promise<SettleAnswer> {
  // The status is named although it stays: with it, the write always changes the revision.
  return writeOver(documents, stub, { status: 'archived', pointer }, pointsTo(pointer));
}

function pointsTo(pointer: ArchivePointer): (standing: OperationRecord) => boolean {
  return (standing) => standing.status === 'archived' && samePlace(standing.pointer, pointer);
}

function samePlace(a: ArchivePointer, b: ArchivePointer): boolean {
  return a.object === b.object && a.offset === b.offset && a.length === b.length;
}
