import type { OperationRecord, StoredValue } from '../operation/record.ts';
import { coldBlobName } from '../retention/archive-plan.ts';
import type { Runtime } from './runtime.ts';

type Places = Pick<Runtime, 'blobs' | 'cold'>;

/** Deletes what a settled record's payload was spilled to, wherever it lies. May be repeated. */
export async function erasePayload(
  { blobs, cold }: Places,
  record: OperationRecord,
): Promise<void> {
  const name = record.status === 'completed' ? spilledTo(record.result) : undefined;
  if (name === undefined) return;
  await blobs.delete(name);
  await cold?.delete(coldBlobName(name));
}

/** The rest of a purge of a hot operation: its record remembers where the bytes are. */
export async function erasePurged(places: Places, record: OperationRecord): Promise<void> {
  const purged = record.status === 'completed' && record.result.kind === 'purged';
  if (purged) await erasePayload(places, record);
}

function spilledTo(value: StoredValue): string | undefined {
  if (value.kind === 'blob') return value.name;
  return value.kind === 'purged' ? value.blob : undefined;
}
