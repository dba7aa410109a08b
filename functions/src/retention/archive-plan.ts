import { isTerminal } from '../operation/record.ts';
import type {
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

/** Where a shard's batches lie. Whoever looks for every copy of an operation looks below one folder. */
export function shardFolder(shard: number): string {
  return `${OPERATIONS_FOLDER}${String(shard).padStart(4, '0')}/`;
}

export const OPERATIONS_FOLDER = 'operations/';

/** A batch is named by its content: written twice, it is one object. */
export function batchName(shard: number, sha256: string): string {
  return `${shardFolder(shard)}${sha256}.ndjson.gz`;
}

/** Payloads too large for a record follow it, under the name that it knows them by. */
export function coldBlobName(name: string): string {
  return `blobs/${name}`;
}
