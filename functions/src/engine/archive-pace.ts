import { BATCH_OPERATIONS } from '../retention/archive-plan.ts';

/** How many records one shard's archiver writes at once: what is left of a database for the hot path. */
export const ARCHIVE_LANES = 16;

/** Blobs are large: as many as are in memory at once. */
export const BLOB_LANES = 2;

/** A batch's worth. */
const MOST = BATCH_OPERATIONS;
const FEWEST = 8;
/** What one page of records may take in memory, as far as the records before tell. */
const PAGE_BYTES = 4 * 1024 * 1024;

/** How many records to ask for at once: fewer where they are large, so that memory stays as it is. */
export function pageSizes(): { next(): number; saw(bytes: number): void } {
  let typical = 0;
  return {
    next() {
      // Nothing is known yet: begin with few.
      if (typical === 0) return FEWEST * 4;
      return Math.max(FEWEST, Math.min(MOST, Math.floor(PAGE_BYTES / typical)));
    },
    saw(bytes) {
      typical = typical === 0 ? bytes : typical * 0.9 + bytes * 0.1;
    },
  };
}
