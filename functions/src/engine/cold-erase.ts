import type { OperationRecord, StoredValue } from '../operation/record.ts';
import type { ColdEntry, ColdStorage } from '../ports/cold-storage.ts';
import { coldBlobName } from '../retention/archive-plan.ts';
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
  const name = spilledName(record);
  if (!cold || name === undefined) return undefined;
  const entry = await entryOf(cold, coldBlobName(name));
  return entry && whyLocked(entry, store.now());
}

/** Why an object can't be deleted now. */
export function whyLocked({ name, lockedUntil }: ColdEntry, storeNow: number): string | undefined {
  if (lockedUntil === undefined || lockedUntil <= storeNow) return undefined;
  const until = Number.isFinite(lockedUntil) ? new Date(lockedUntil).toISOString() : 'lifted';
  return `A retention lock keeps ${name} until ${until}.`;
}

/**
 * Deletes what a settled record's payload was spilled to, wherever it lies. May be repeated.
 *
 * @throws where a retention lock came on it since {@link whyNotErasable} was asked
 */
export async function erasePayload(
  { blobs, cold }: Places,
  record: OperationRecord,
): Promise<void> {
  const name = spilledName(record);
  if (name === undefined) return;
  await blobs.delete(name);
  if ((await cold?.delete(coldBlobName(name))) !== 'locked') return;
  throw new Error(
    `A retention lock keeps ${coldBlobName(name)}: its bytes are not erased. Purge again once it is lifted.`,
  );
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

/** Where a settled record's payload was spilled to, if it was. */
export function spilledName(record: OperationRecord): string | undefined {
  return record.status === 'completed' ? spilledTo(record.result) : undefined;
}

function spilledTo(value: StoredValue): string | undefined {
  if (value.kind === 'blob') return value.name;
  return value.kind === 'purged' ? value.blob : undefined;
}

async function entryOf(cold: ColdStorage, name: string): Promise<ColdEntry | undefined> {
  for await (const entry of cold.list(name)) {
    if (entry.name === name) return entry;
  }
  return undefined;
}
