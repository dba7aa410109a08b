import type { Namespace } from '../token/token.ts';
import type { EntityId, StateVersion } from '../workflow/state.ts';
import type { Page } from './token-store.ts';

/** A version with the entity that it is one of. */
export interface EntityVersion extends StateVersion {
  readonly namespace: Namespace;
  readonly entity: EntityId;
}

export interface VersionPublisher {
  /** Resolves once all of them are durable at the topic. Publishing again is harmless. */
  publish(versions: readonly EntityVersion[]): Promise<void>;
}

/**
 * Versions that are still to be published. A store that publishes owes each one from the very write that
 * makes it, so that a crash at any moment leaves it owed.
 */
export interface OwedVersions {
  /** In an order of no meaning, of all namespaces. What is published meanwhile may be missing. */
  owed(
    page: Page,
  ): Promise<{ readonly versions: readonly EntityVersion[]; readonly next?: string }>;
  /** To be called once they are durable at the topic. Calling it again is harmless. */
  markPublished(
    versions: readonly Pick<EntityVersion, 'namespace' | 'entity' | 'token'>[],
  ): Promise<void>;
}

/** Where the versions of state go that are kept elsewhere as well. */
export interface PublishedState {
  readonly owed: OwedVersions;
  readonly publisher: VersionPublisher;
}
