/** One shard to be archived. */
export interface ShardOrder {
  readonly shard: number;
  /** Epoch milliseconds: what expired later is left to a later order. */
  readonly until: number;
  /** Where the order before this one stopped. */
  readonly after?: string;
}

export interface ArchiveQueue {
  /** Resolves once all of them are durable in the queue. Publishing again is harmless. */
  publish(orders: readonly ShardOrder[]): Promise<void>;
}
