import type { StoredValue } from '../operation/record.ts';
import type { HotRecord } from './archive-plan.ts';

/** What stays of a value that is erased: where its bytes were spilled to, until they are erased too. */
export function purgedValue(value: StoredValue): StoredValue {
  if (value.kind === 'purged') return value;
  return value.kind === 'blob' ? { kind: 'purged', blob: value.name } : { kind: 'purged' };
}

/** The same once its bytes are erased as well. */
export function erasedRecord(record: HotRecord): HotRecord {
  const purged = purgedRecord(record);
  return purged.status === 'completed' ? { ...purged, result: { kind: 'purged' } } : purged;
}

/** Whether anything of a settled record's payload is still to be erased, its spilled bytes included. */
export function holdsPayload(record: HotRecord): boolean {
  switch (record.status) {
    case 'completed':
      return record.result.kind !== 'purged' || record.result.blob !== undefined;
    case 'failed':
      return record.error.message !== 'purged';
    case 'cancelled':
      return false;
  }
}

/** Whether the record itself holds no payload. Where one was spilled to may still be known. */
export function isPurged(record: HotRecord): boolean {
  switch (record.status) {
    case 'completed':
      return record.result.kind === 'purged';
    case 'failed':
      return record.error.message === 'purged';
    case 'cancelled':
      return true;
  }
}

/** What stays of a settled record that is purged. */
export function purgedRecord(record: HotRecord): HotRecord {
  switch (record.status) {
    case 'completed':
      return { ...record, result: purgedValue(record.result) };
    case 'failed':
      return { ...record, error: { ...record.error, message: 'purged' } };
    case 'cancelled':
      return record;
  }
}
