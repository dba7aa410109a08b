import type { OperationRecord, StoredValue } from '../operation/record.ts';
import type { ColdEntry, ColdStorage } from '../ports/cold-storage.ts';
import { coldBlobName } from '../retention/archive-plan.ts';
import { blobFolder } from './payload.ts';
import { purgeFromWorkflow } from './purge-workflow.ts';
import type { Runtime } from './runtime.ts';

type Places = Pick<Runtime, 'blobs' | 'cold'>;

/**
 * Why a settled record's payload can't be erased now: a retention lock is on what it was spilled to. To be
 * asked before a purge is signed, since a signed one tells everybody that the payload is gone.
 */
export async function whyNotErasable(
  { cold, store }: Pick<Runtime, 'cold' | 'store'>,
  record: OperationRecord,
): Promise<string | undefined> {
  if (!cold) return undefined;
  for await (const entry of spilledTo(cold, record)) {
    const why = whyLocked(entry, store.now());
    if (why !== undefined) return why;
  }
  return undefined;
}

/** Whether anything that a record's operation was spilled to lies in cold storage. */
export async function isSpilledCold(cold: ColdStorage, record: OperationRecord): Promise<boolean> {
  for await (const _ of spilledTo(cold, record)) return true;
  return false;
}

/** Why an object can't be deleted now. */
export function whyLocked({ name, lockedUntil }: ColdEntry, storeNow: number): string | undefined {
  if (lockedUntil === undefined || lockedUntil <= storeNow) return undefined;
  const until = Number.isFinite(lockedUntil) ? new Date(lockedUntil).toISOString() : 'lifted';
  return `A retention lock keeps ${name} until ${until}.`;
}

/**
 * Deletes all that a settled record's operation was ever spilled to, wherever it lies: its result, and what a
 * crash or a lost claim left of its task, its follow-ups and other results. May be repeated.
 *
 * @throws where a retention lock came on it since {@link whyNotErasable} was asked
 */
export async function erasePayload(
  { blobs, cold }: Places,
  record: OperationRecord,
): Promise<void> {
  await blobs.deleteUnder(blobFolder(record));
  const elsewhere = nameElsewhere(record);
  if (elsewhere !== undefined) await blobs.delete(elsewhere);
  if (!cold) return;
  for await (const { name } of spilledTo(cold, record)) {
    if ((await cold.delete(name)) !== 'locked') continue;
    throw new Error(
      `A retention lock keeps ${name}: its bytes are not erased. Purge again once it is lifted.`,
    );
  }
}

/**
 * The rest of a purge of a hot operation: its record remembers where the bytes are, and its workflow may
 * have copies. May be repeated.
 */
export async function erasePurged(
  places: Places & Pick<Runtime, 'store'>,
  record: OperationRecord,
): Promise<void> {
  const emptied = record.status === 'completed' && record.result.kind === 'purged';
  if (!emptied && record.override?.verb !== 'purge') return;
  await erasePayload(places, record);
  await purgeFromWorkflow(places, record);
}

async function* spilledTo(cold: ColdStorage, record: OperationRecord): AsyncIterable<ColdEntry> {
  yield* cold.list(coldBlobName(blobFolder(record)));
  const elsewhere = nameElsewhere(record);
  if (elsewhere === undefined) return;
  const name = coldBlobName(elsewhere);
  for await (const entry of cold.list(name)) if (entry.name === name) yield entry;
}

/** A result's blob below another token's folder: of the neighbouring window that it was sent under. */
function nameElsewhere(record: OperationRecord): string | undefined {
  const name = record.status === 'completed' ? nameOf(record.result) : undefined;
  return name?.startsWith(blobFolder(record)) === false ? name : undefined;
}

function nameOf(value: StoredValue): string | undefined {
  if (value.kind === 'blob') return value.name;
  return value.kind === 'purged' ? value.blob : undefined;
}
