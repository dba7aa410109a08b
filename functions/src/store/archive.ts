import { StoreAway } from '../operation/errors.ts';
import type {
  ArchivePointer,
  OperationRecord,
  StoredOperation,
  TerminalRecord,
} from '../operation/record.ts';
import type { OperationDocuments, Patch } from '../ports/operation-documents.ts';
import type { SettleAnswer } from '../ports/token-store.ts';
import { documentId } from '../token/token.ts';
import { unlessUnknown } from './unknown.ts';

const MAX_ROUNDS = 5;

const PAYLOAD_FIELDS = {
  result: null,
  error: null,
  reason: null,
  outbox: null,
  sent: null,
  expireAt: null,
  dueAt: null,
};

/**
 * Replaces an expired terminal record by its stub, conditionally on the revision that was copied.
 * Where the answer is a refusal or does not come, what stands there tells whether it was this write.
 */
export async function archive(
  documents: OperationDocuments,
  { record, revision }: StoredOperation<TerminalRecord>,
  pointer: ArchivePointer,
): Promise<SettleAnswer> {
  const now = documents.now();
  if (record.status === 'archived' || !mayGo(record, now)) return { kind: 'lost' };
  const id = documentId(record.namespace, record.token);
  const patch: Patch = {
    ...PAYLOAD_FIELDS,
    status: 'archived',
    outcome: record.status,
    pointer,
    forgetAt: Math.ceil(now + record.retention.forgetMs),
  };
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const answer = await unlessUnknown(() => documents.update(id, revision, patch));
    if (answer?.kind === 'written') {
      return { kind: 'settled', revision: answer.revision, at: answer.at };
    }
    const { found } = await documents.read([id]);
    const standing = found[0];
    if (standing && isStub(standing.record, pointer)) {
      return { kind: 'settled', revision: standing.revision, at: standing.updatedAt };
    }
    if (standing?.revision !== revision) return { kind: 'lost' };
  }
  throw new StoreAway(
    `The record of token ${record.token} could not be archived in ${MAX_ROUNDS} tries. ` +
      'It stays hot until the next run.',
  );
}

function mayGo(record: Exclude<TerminalRecord, { status: 'archived' }>, now: number): boolean {
  const unsent = record.status === 'completed' && !record.sent;
  return record.hold !== true && !unsent && record.expireAt <= now;
}

function isStub(record: OperationRecord, { object, offset, length }: ArchivePointer): boolean {
  if (record.status !== 'archived') return false;
  const { pointer } = record;
  return pointer.object === object && pointer.offset === offset && pointer.length === length;
}
