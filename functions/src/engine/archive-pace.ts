/** How many records one run writes at once: what is left of a database for the hot path. */
export const ARCHIVE_LANES = 16;

/** Blobs are large: as many are in memory at once. */
export const BLOB_LANES = 2;

/**
 * How many records are read at once. What was read before tells nothing of how large the next ones are, so
 * this many of the largest must fit: of results 34 MiB, and 100 MiB where each is as large as a document of
 * Firestore may be.
 */
export const PAGE_OPERATIONS = 100;
