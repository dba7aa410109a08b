import type { ArchivedRecord, RecordedOverride, StoredOperation } from '../operation/record.ts';
import type { OperationDocuments, Patch } from '../ports/operation-documents.ts';
import type { OverrideRequest, SettleAnswer } from '../ports/token-store.ts';
import type { HotRecord } from '../retention/archive-plan.ts';
import { purgedRecord } from '../retention/purged.ts';
import { writeOver } from './archive-write.ts';

type By = Pick<OverrideRequest, 'actor' | 'reason' | 'at'>;

/** Puts the payload back into a stub's record, signed like any intervention by a person. */
export function restore(
  documents: OperationDocuments,
  stub: StoredOperation<ArchivedRecord>,
  from: HotRecord,
  by: By,
): Promise<SettleAnswer> {
  const { record } = stub;
  const now = documents.now();
  return signed(documents, stub, 'restore', by, {
    ...payloadOf(from, record),
    status: record.outcome,
    // Beyond the class's cap, like any extension by a person.
    expireAt: Math.ceil(now + record.retention.ttlMs),
    outcome: null,
    pointer: null,
    forgetAt: null,
  });
}

/** The signature alone: whoever reads the stub from now on takes its payload for erased. */
export function purgeStub(
  documents: OperationDocuments,
  stub: StoredOperation<ArchivedRecord>,
  by: By,
): Promise<SettleAnswer> {
  return signed(documents, stub, 'purge', by, { status: 'archived' });
}

/** Under the next fence, and with who and why: how the write is known again where its answer is lost. */
function signed(
  documents: OperationDocuments,
  stub: StoredOperation<ArchivedRecord>,
  verb: 'restore' | 'purge',
  { actor, reason, at = Math.floor(documents.now()) }: By,
  patch: Patch,
): Promise<SettleAnswer> {
  const override: RecordedOverride = { verb, actor, reason, at };
  const fence = stub.record.fence + 1;
  return writeOver(documents, stub, { ...patch, fence, override }, (standing) => {
    const { override: found } = standing;
    const same = found?.verb === verb && found.actor === actor && found.at === at;
    return standing.fence === fence && same && found.reason === reason;
  });
}

function payloadOf(from: HotRecord, { override }: ArchivedRecord): Patch {
  const record = override?.verb === 'purge' ? purgedRecord(from) : from;
  switch (record.status) {
    case 'completed':
      return { result: record.result, sent: true };
    case 'failed':
      return { error: record.error };
    case 'cancelled':
      return { reason: record.reason };
  }
}
