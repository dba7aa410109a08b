import { isTerminal } from '../operation/record.ts';
import type {
  ArchivedRecord,
  CancelledRecord,
  CompletedRecord,
  FailedRecord,
  OperationRecord,
} from '../operation/record.ts';

/** Settled, with its payload in the store. */
export type HotRecord = CompletedRecord | FailedRecord | CancelledRecord;

/** Why a record stays where it is. */
export type WhyKept = 'not settled' | 'archived' | 'unexpired' | 'held' | 'unsent';

/**
 * Whether a record may leave the store, and why not. Held ones stay however old they are, and so do those
 * whose follow-ups are not known to be published: they are read from the record.
 */
export function whyKept(record: OperationRecord, storeNow: number): WhyKept | undefined {
  if (!isTerminal(record)) return 'not settled';
  if (record.status === 'archived') return 'archived';
  if (record.expireAt > storeNow) return 'unexpired';
  if (record.hold === true) return 'held';
  if (record.status === 'completed' && !record.sent) return 'unsent';
  return undefined;
}

/**
 * The most that one gzip member's lines take before compression. Below 64 KiB by more than deflate ever
 * adds to what it can't compress, so that reading one operation never reads more than that.
 */
export const MEMBER_BYTES = 64 * 1024 - 256;
export const BATCH_OPERATIONS = 1_000;
/** Bounds the archiver's memory where results are large. */
export const BATCH_BYTES = 8 * 1024 * 1024;

/**
 * A run that has had a batch in hand for so long, as one that was stopped and goes on, writes no stub of it
 * any more: after {@link SETTLED_AFTER_MS} its object may have been written anew and deleted.
 */
export const BATCH_STALE_MS = 30 * 60_000;
/** From then on no run has a batch in hand that holds an operation archived so long ago. */
export const SETTLED_AFTER_MS = 2 * BATCH_STALE_MS;

/** Where a shard's batches lie. Whoever looks for every copy of an operation looks below one folder. */
export function shardFolder(shard: number): string {
  return `${OPERATIONS_FOLDER}${String(shard).padStart(4, '0')}/`;
}

export const OPERATIONS_FOLDER = 'operations/';

const BATCH_END = '.ndjson.gz';

/** A batch is named by its content: written twice, it is one object. */
export function batchName(shard: number, sha256: string): string {
  return `${shardFolder(shard)}${sha256}${BATCH_END}`;
}

/**
 * The name of an object that is to stand for another one, less what was purged of it. All versions of a
 * batch begin with its name, and sort in their order: a stub only ever moves to a later one.
 */
export function nextVersionName(of: string, sha256: string): string {
  const version = Number(/\.v(\d{4})\./.exec(of)?.[1] ?? 0) + 1;
  return `${batchOf(of)}v${String(version).padStart(4, '0')}.${sha256}${BATCH_END}`;
}

/** What the names of all versions of a batch begin with, and no others. */
export function batchOf(name: string): string {
  return name.slice(0, name.indexOf('.') + 1);
}

export function isEarlierVersion(name: string, than: string): boolean {
  return batchOf(name) === batchOf(than) && name < than;
}

/** Store time at which a stub took its record's place: what its `forgetAt` was counted from. */
export function archivedAt({ forgetAt, retention }: ArchivedRecord): number {
  return forgetAt - retention.forgetMs;
}

/** Payloads too large for a record follow it, under the name that it knows them by. */
export function coldBlobName(name: string): string {
  return `blobs/${name}`;
}
