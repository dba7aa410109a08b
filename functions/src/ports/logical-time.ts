import type { Namespace } from '../token/token.ts';

/** Logical times from `from` to below `to`. */
export interface TimeBlock {
  readonly from: number;
  readonly to: number;
}

/** Blocks of logical time, for what happens outside a workflow. */
export interface LogicalTimeStore {
  /**
   * Times that were never in a block of this namespace and never will be again: later than every block
   * before, and than `after` (default 0). One commit. May throw `StoreAway`: a block may then be lost.
   */
  reserveBlock(namespace: Namespace, size: number, after?: number): Promise<TimeBlock>;
  close(): Promise<void>;
}
