import type { AuditPhase } from '../operation/audit.ts';
import type { Namespace, Token } from '../token/token.ts';
import type { Page } from './token-store.ts';

/** What is known of one intervention by a person. */
export interface AuditEntry {
  readonly namespace: Namespace;
  readonly token: Token;
  readonly verb: string;
  /** The verified identity of who did it. */
  readonly actor: string;
  readonly reason: string;
  /** Store time, in epoch milliseconds; the same for all entries of one intervention. */
  readonly at: number;
  readonly phase: AuditPhase;
}

export interface AuditListing {
  readonly entries: readonly AuditEntry[];
  readonly next?: string;
}

/**
 * Interventions, append-only: nothing in this port changes or removes an entry.
 *
 * Every verb may throw `StoreAway`: for an append its outcome is then unknown, and appending the same
 * entry again adds nothing.
 */
export interface AuditLog {
  append(entry: AuditEntry): Promise<void>;
  /** Of one operation, the oldest first. */
  read(namespace: Namespace, token: Token, page: Page): Promise<AuditListing>;
  close(): Promise<void>;
}
