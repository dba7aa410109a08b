import { isTerminal } from '../operation/record.ts';
import type { OperationRecord, StoredOperation } from '../operation/record.ts';
import type { ColdStorage } from '../ports/cold-storage.ts';
import { SETTLED_AFTER_MS } from '../retention/archive-plan.ts';
import type { HotRecord } from '../retention/archive-plan.ts';
import { isPurged } from '../retention/purged.ts';
import { shownToken } from '../token/token.ts';
import { copiesOf, whyKept } from './cold-purge.ts';
import { rewriteWithout } from './cold-rewrite.ts';
import type { Runtime } from './runtime.ts';

/** What cold storage may hold of a hot operation, and whether its objects can be written anew by now. */
export type HotCopies =
  /** It has never been due for archiving. */
  | 'none'
  | 'maybe'
  /** An archiver may have a batch with it in hand, and be about to point other operations' stubs there. */
  | 'maybe in the making';

const MAX_ROUNDS = 10;

/** To be asked of the record as it stood before it is purged. */
export function copiesOfHot({ record, updatedAt }: StoredOperation, storeNow: number): HotCopies {
  if (!isHot(record)) return 'none';
  const dueAt = Math.min(record.expireAt, record.completedAt + record.retention.ttlMs);
  if (storeNow < dueAt && record.override === undefined) return 'none';
  // For so long it has been as it is: no archiver took it, or what one took has no payload.
  const untouched = storeNow - updatedAt >= SETTLED_AFTER_MS;
  const untaken = isPurged(record) || record.hold === true || record.expireAt > storeNow;
  return untouched && untaken ? 'maybe' : 'maybe in the making';
}

/** Why copies of a hot operation can't be erased now: a retention lock is on an object with one. */
export async function whyCopiesKept(
  { store }: Pick<Runtime, 'store'>,
  cold: ColdStorage,
  record: OperationRecord,
): Promise<string | undefined> {
  if (!isHot(record)) return undefined;
  return whyKept({ store, cold }, await copiesOf(cold, record, new Set()));
}

/**
 * Writes every object of the shard anew that holds a copy of a hot operation, without it: left by an archiver
 * that was stopped, or from before it was restored or extended. Only where {@link copiesOfHot} says `maybe`,
 * and once its record is purged. May be repeated.
 */
export async function purgeHotCopies(
  { store }: Pick<Runtime, 'store'>,
  cold: ColdStorage,
  record: OperationRecord,
): Promise<void> {
  if (!isHot(record)) return;
  const without = new Set<string>();
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    // One without a payload may be in an object that an archiver has just put for others.
    const copies = (await copiesOf(cold, record, without)).filter((copy) => !isPurged(copy.record));
    if (copies.length === 0) return;
    for (const { entry } of copies) await rewriteWithout({ store }, cold, entry.name, record);
  }
  throw new Error(
    `${shownToken(record.token)} is purged, but objects with its payload kept coming. Purge again.`,
  );
}

function isHot(record: OperationRecord): record is HotRecord {
  return isTerminal(record) && record.status !== 'archived';
}
