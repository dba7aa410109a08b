import type { OperationView } from '../handlers/api/operation-fields.ts';
import type { OperationRecord } from '../operation/record.ts';
import type { Problem } from './problem.ts';

/** What running an effect twice would mean. */
export type Effect = 'pure' | 'idempotent' | 'reconcilable' | 'once';

/** An operation on record. */
export type Operation = OperationView;

/** How an operation stands in the store. What is `claimed` or `released` is not settled. */
export type RecordStatus = OperationRecord['status'];

/** What an operation is known by. A key is the surest; without one, equal requests within minutes are one. */
export interface OperationIdentity {
  readonly key?: string;
  readonly token?: string;
  readonly root?: string;
  readonly path?: string;
  readonly occurrence?: number;
  readonly scope?: string;
  readonly agent?: string;
  readonly action?: string;
  readonly params?: unknown;
  readonly requestHash?: string;
  readonly context?: {
    readonly state?: unknown;
    readonly environment?: unknown;
    readonly versions?: Readonly<Record<string, string>>;
  };
  /** Epoch milliseconds. */
  readonly madeAt?: number;
}

export type Retention = 'api' | 'workflow' | 'financial';

export interface BeginOptions extends OperationIdentity {
  readonly effect?: Effect;
  readonly started?: boolean;
  readonly trackingId?: string;
  readonly claimId?: string;
  readonly leaseMs?: number;
  readonly retention?: Retention;
  readonly logicalTime?: number;
  readonly strictContext?: boolean;
}

export interface Claimed {
  readonly state: 'claimed';
  readonly token: string;
  readonly handle: string;
  readonly fence: number;
  readonly attempt: number;
  readonly leaseMs: number;
  readonly started: boolean;
  readonly trackingId?: string;
  readonly reconcile?: { readonly trackingId: string; readonly lapsedAt: number };
}

export interface Replayed {
  readonly state: 'completed' | 'failed';
  readonly token: string;
  readonly drift: boolean;
  readonly operation: Operation;
}

export interface Standing {
  readonly state:
    | 'absent'
    | 'free'
    | 'in_flight'
    | 'completed'
    | 'failed'
    | 'cancelled'
    | 'in_doubt';
  readonly token: string;
  readonly drift: boolean;
  readonly retryAfterMs?: number;
  readonly operation?: Operation;
}

export interface Concluded {
  readonly state: 'completed' | 'failed' | 'free' | 'in_doubt';
  readonly token: string;
  readonly at: number;
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly retryable: boolean;
  };
}

export interface Recorded {
  readonly state: 'completed' | 'failed';
  readonly token: string;
  readonly operation?: Operation;
}

export interface ErrorToRecord {
  readonly code: string;
  readonly message: string;
}

export interface BatchItem<Body> {
  readonly status: number;
  readonly duplicateOf?: number;
  readonly answer?: Body;
  readonly problem?: Problem;
}

export interface Page {
  readonly limit?: number;
  readonly after?: string;
}

export type InterventionVerb =
  | { readonly verb: 'extend'; readonly byMs: number }
  | { readonly verb: 'resolve_done'; readonly result?: unknown }
  | {
      readonly verb: 'hold' | 'unhold' | 'expire' | 'resolve_not_done' | 'force_release' | 'purge';
    };

/** `fence` is the operation's when it was looked at. */
export type Intervention = InterventionVerb & { readonly reason: string; readonly fence: number };

/** An intervention is `intended` before its write, and `done` or `refused` after it. */
export interface AuditEntry {
  readonly phase: 'intended' | 'done' | 'refused';
  readonly verb: string;
  readonly actor: string;
  readonly reason: string;
  readonly at: number;
}
