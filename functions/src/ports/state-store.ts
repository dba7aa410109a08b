import type { Namespace, Token } from '../token/token.ts';
import type { EntityHead, EntityId, StateVersion } from '../workflow/state.ts';
import type { Page } from './token-store.ts';

export interface StateWrite {
  /** Written only if the entity is at this version still; 0: only if there is none yet. */
  readonly ifVersion: number;
  /** Of the read that found that version. Without it the store reads once more. */
  readonly revision?: string;
  /** The write's identity: however often it is sent, it makes one version. */
  readonly token: Token;
  readonly schemaVersion: number;
  readonly text: string;
}

export type StateWriteAnswer =
  /** `at`: store time of the write, in epoch milliseconds. */
  | { readonly kind: 'written'; readonly version: number; readonly at: number }
  /** The entity is at another version; 0 where there is none. */
  | { readonly kind: 'conflict'; readonly version: number }
  /** The token was applied before. Nothing changes; `found` is what it wrote then. */
  | { readonly kind: 'repeated'; readonly found: StateVersion };

export interface StateHistory {
  readonly versions: readonly StateVersion[];
  readonly next?: string;
}

/**
 * Entities whose every version is kept, in verbs that are atomic each.
 *
 * Every verb may throw `StoreAway`: for a write its outcome is then unknown, and sending it again
 * under the same token is safe.
 */
export interface StateStore {
  read(namespace: Namespace, entity: EntityId): Promise<EntityHead | undefined>;
  /** The new version and its place in the history, together or not at all. */
  write(namespace: Namespace, entity: EntityId, write: StateWrite): Promise<StateWriteAnswer>;
  readVersion(
    namespace: Namespace,
    entity: EntityId,
    version: number,
  ): Promise<StateVersion | undefined>;
  /** The version that the token made. */
  readApplied(
    namespace: Namespace,
    entity: EntityId,
    token: Token,
  ): Promise<StateVersion | undefined>;
  /**
   * The version that was the newest at `time`, by the store's time in epoch milliseconds. Once that time
   * has passed at the store, the answer never changes.
   */
  readAsOf(namespace: Namespace, entity: EntityId, time: number): Promise<StateVersion | undefined>;
  /** All versions, the oldest first. */
  history(namespace: Namespace, entity: EntityId, page: Page): Promise<StateHistory>;
  close(): Promise<void>;
}
