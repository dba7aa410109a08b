import type { ArchiveReport } from '../engine/archive-shard.ts';

/**
 * List prices in US dollars, without free tiers, of a regional database and bucket in us-central1
 * (https://cloud.google.com/firestore/pricing, https://cloud.google.com/storage/pricing).
 */
const PRICES = {
  read: 0.03 / 100_000,
  write: 0.09 / 100_000,
  objectWrite: 0.005 / 1_000,
  gigabyteMonth: 0.02,
} as const;

const GIGABYTE = 1024 ** 3;

export interface ArchiveCost {
  /** In US dollars, once. */
  readonly run: number;
  /** In US dollars a month, until the objects age into cheaper classes. */
  readonly month: number;
}

/** What a run costs on Google Cloud, as far as its own calls go. */
export function archiveCost({ moved, kept, objects, blobs, bytes }: ArchiveReport): ArchiveCost {
  const stayed = Object.values(kept).reduce((sum, count) => sum + count, 0);
  const documents = (moved + stayed) * PRICES.read + moved * PRICES.write;
  return {
    run: documents + (objects + blobs) * PRICES.objectWrite,
    month: (bytes / GIGABYTE) * PRICES.gigabyteMonth,
  };
}
