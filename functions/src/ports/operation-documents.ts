import type { OperationRecord, StoredOperation } from '../operation/record.ts';

/** Changes to named fields; `null` removes one. */
export type Patch = Readonly<Record<string, unknown>>;

export type WriteAnswer =
  | { readonly kind: 'written'; readonly revision: string; readonly at: number }
  /** `create`: something stands there. `update`: the revision is not the one asked for. */
  | { readonly kind: 'refused' };

export interface ReadAnswer {
  readonly found: readonly (StoredOperation | undefined)[];
  /** Store time of the read, in epoch milliseconds. */
  readonly at: number;
}

/** What a transaction writes after its reads: one new document, one changed one, or nothing. */
export type WriteOrder =
  | { readonly kind: 'create'; readonly id: string; readonly record: OperationRecord }
  | { readonly kind: 'nothing' };

export type Selection =
  | { readonly by: 'root'; readonly namespace: string; readonly root: string }
  | { readonly by: 'status'; readonly namespace: string; readonly status: string }
  | { readonly by: 'due'; readonly shard: number; readonly before: number }
  | { readonly by: 'expired'; readonly shard: number; readonly before: number };

export interface SelectAnswer extends ReadAnswer {
  readonly found: readonly StoredOperation[];
  readonly next?: string;
}

/**
 * What a technology must offer to hold operations: single documents under conditional writes.
 *
 * A throw means that the outcome is unknown (`StoreAway`). `refused` may also be the answer to a
 * repetition of a write that did succeed; callers find out by reading.
 */
export interface OperationDocuments {
  readonly name: string;
  /** The best guess of the store's time without asking it. */
  now(): number;
  create(id: string, record: OperationRecord): Promise<WriteAnswer>;
  /** Yields a new revision at a new time, also where the patch changes nothing. */
  update(id: string, revision: string, patch: Patch): Promise<WriteAnswer>;
  read(ids: readonly string[]): Promise<ReadAnswer>;
  /** Reads, decides and writes as one. `decide` is pure and may be called more than once. */
  transact(ids: readonly string[], decide: (read: ReadAnswer) => WriteOrder): Promise<ReadAnswer>;
  /** Ordered by logical time (root), nothing (status) or time (due, expired), then by id. */
  select(
    selection: Selection,
    page: { readonly limit: number; readonly after?: string },
  ): Promise<SelectAnswer>;
  close(): Promise<void>;
}
