import type { Runtime } from '../../engine/runtime.ts';
import type { AuditLog } from '../../ports/audit-log.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { LogicalTimeStore } from '../../ports/logical-time.ts';
import type { StateStore } from '../../ports/state-store.ts';
import type { Namespace } from '../../token/token.ts';
import type { ClaimHandles } from './claim-handle.ts';

/**
 * `reader` looks, `agent` runs operations, `operator` intervenes; each of them may look, an agent only at
 * what it can name.
 */
export type Role = 'agent' | 'operator' | 'reader';

/** What a principal may do in one namespace. */
export interface Grant {
  /** A verified e-mail address. */
  readonly principal: string;
  readonly namespace: Namespace;
  readonly roles: readonly Role[];
}

export type PrincipalAnswer =
  | { readonly kind: 'verified'; readonly principal: string }
  | { readonly kind: 'refused' | 'unavailable'; readonly why: string };

/** What the endpoints work with. */
export interface ApiService {
  readonly runtime: Runtime;
  /** Whose tasks the runtime's publisher reaches: those of other namespaces have a queue of their own. */
  readonly tasksOf: Namespace;
  readonly audit: AuditLog;
  readonly state: StateStore;
  readonly events: EventLog;
  readonly time: LogicalTimeStore;
  readonly handles: ClaimHandles;
  /** Judges the `Authorization` header of a request. */
  readonly identify: (authorization: string | undefined) => Promise<PrincipalAnswer>;
  readonly grants: readonly Grant[];
  /** Requests a second that one principal may send to this instance; twice that in a burst. */
  readonly ratePerSecond: number;
}

/** Who calls, and for which namespace. */
export interface Caller {
  readonly principal: string;
  readonly namespace: Namespace;
}
