import { recordedError } from '../operation/errors.ts';
import type { StoredOperation } from '../operation/record.ts';
import { ColdMismatch } from '../ports/cold-storage.ts';
import type { ColdStorage } from '../ports/cold-storage.ts';
import type { HotRecord } from '../retention/archive-plan.ts';
import { shownToken } from '../token/token.ts';
import type { ClosedBatch } from './archive-batch.ts';
import { blobOf, moveBlob } from './archive-blobs.ts';
import { inLanes } from './archive-lanes.ts';
import { BLOB_LANES } from './archive-pace.ts';
import type { Runtime } from './runtime.ts';

export type Hot = StoredOperation<HotRecord>;
type Entries = ClosedBatch<Hot>['entries'];

/**
 * Puts a batch into cold storage, and the blobs of its operations before it. Answers the operations whose
 * payload is there for good. The others are an ERROR in the log: those whose blob can't be moved, and all
 * of them where another content stands under the batch's name.
 *
 * @throws where cold storage gave no answer
 */
export async function copyBatch(
  { blobs, telemetry }: Pick<Runtime, 'blobs' | 'telemetry'>,
  cold: ColdStorage,
  { object, entries }: ClosedBatch<Hot>,
): Promise<Entries> {
  const unmovable = new Set<Hot>();
  await inLanes(entries, BLOB_LANES, async ({ of }) => {
    const name = blobOf(of.record);
    if (name === undefined) return;
    await moveBlob(blobs, cold, name).catch((error: unknown) => {
      unmovable.add(of);
      notMoved(telemetry, of, error);
    });
  });
  try {
    await cold.put(object);
  } catch (error) {
    if (!(error instanceof ColdMismatch)) throw error;
    telemetry.event('ERROR', 'A batch can not be put into cold storage; its operations stay hot', {
      object: object.name,
      operations: entries.length,
      error: error.message,
    });
    return [];
  }
  return entries.filter(({ of }) => !unmovable.has(of));
}

function notMoved(telemetry: Runtime['telemetry'], { record }: Hot, error: unknown): void {
  const { namespace, token, action } = record;
  telemetry.event('ERROR', 'A large payload can not be moved to cold storage; it stays hot', {
    token: shownToken(token),
    namespace,
    action,
    error: recordedError(error).message,
  });
}
