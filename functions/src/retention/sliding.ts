/** A terminal record's times, in epoch milliseconds by the store's clock. */
export interface Sliding {
  readonly completedAt: number;
  readonly expireAt: number;
  readonly ttlMs: number;
  readonly capMs: number;
  /** When the record was read. */
  readonly storeNow: number;
}

/**
 * The new expiry that a look at a terminal record earns, or undefined where none is worth its write.
 *
 * Only with less than half of the TTL left, so that a busy record costs two writes a TTL at most; never
 * beyond `completedAt + capMs`; never earlier than what is recorded, which an override may have put
 * beyond the cap. A record that has expired but is not archived yet is extended like any other: expiry
 * moves a record, only forgetting forgets it.
 */
export function slidExpiry(record: Sliding): number | undefined {
  const { completedAt, expireAt, ttlMs, capMs, storeNow } = record;
  if ((expireAt - storeNow) * 2 >= ttlMs) return undefined;
  const slid = Math.min(storeNow + ttlMs, completedAt + capMs);
  return slid > expireAt && slid > storeNow ? slid : undefined;
}
