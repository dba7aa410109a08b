import type { StoredValue } from '../operation/record.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { ColdObject, ColdStorage } from '../ports/cold-storage.ts';
import type { HotRecord } from '../retention/archive-plan.ts';
import { coldBlobName } from '../retention/archive-plan.ts';
import type { Runtime } from './runtime.ts';

const BLOB_SCHEMA = 'agent-once/payload@1';

/**
 * Blobs as their readers see them: those of archived operations lie in cold storage, under the same name.
 * So nothing that points to a blob changes when it moves, and whoever looks in between finds it.
 */
export function blobsOverCold(blobs: BlobStore, cold: ColdStorage): BlobStore {
  return {
    ...blobs,
    async get(name) {
      const bytes = await blobs.get(name);
      return bytes ?? cold.read(coldBlobName(name));
    },
  };
}

/** The name of the blob that a record's payload was spilled to. */
export function blobOf(record: HotRecord): string | undefined {
  const payload: StoredValue | undefined =
    record.status === 'completed' ? record.result : undefined;
  return payload?.kind === 'blob' ? payload.name : undefined;
}

/**
 * Moves a blob ahead of its operation, which is read from either place: so a crash leaves nothing behind
 * that the next run would not find. `blobs` looks into cold storage too; a blob that is nowhere stays so.
 */
export async function moveBlob(blobs: BlobStore, cold: ColdStorage, name: string): Promise<void> {
  const object = { name: coldBlobName(name), schema: BLOB_SCHEMA, operations: 1 };
  const there = cold.copyBlob
    ? (await cold.copyBlob(name, object)) !== 'absent'
    : await copied(blobs, cold, name, object);
  if (there) await blobs.delete(name);
}

/**
 * Puts a moved blob back where its operation has changed meanwhile and stays hot: it may be held or extended
 * for longer than cold storage keeps a copy. `blobs` looks into cold storage too.
 */
export async function moveBlobBack(
  { store, blobs }: Pick<Runtime, 'store' | 'blobs'>,
  record: HotRecord,
): Promise<void> {
  const name = blobOf(record);
  if (name === undefined) return;
  const standing = (await store.get(record.namespace, record.token))?.record;
  if (standing?.status !== 'completed' || blobOf(standing) !== name) return;
  const bytes = await blobs.get(name);
  if (bytes) await blobs.put(name, bytes);
}

async function copied(
  blobs: BlobStore,
  cold: ColdStorage,
  name: string,
  object: Omit<ColdObject, 'bytes'>,
): Promise<boolean> {
  const bytes = await blobs.get(name);
  if (bytes) await cold.put({ ...object, bytes });
  return bytes !== undefined;
}
