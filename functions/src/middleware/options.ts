import type { Effect, Retention } from '../operation/record.ts';
import { resolveRetention } from '../retention/classes.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import type { TokenStore } from '../ports/token-store.ts';
import { parseAction, parseNamespace } from '../token/token.ts';

/** What running a route's handler twice would mean: the route's author has to say. */
export type RouteEffect =
  | { readonly effect: Exclude<Effect, 'reconcilable'> }
  | {
      readonly effect: 'reconcilable';
      /** Asks the provider what became of a handler that vanished, by the tracking id it was given. */
      readonly reconcile: (trackingId: string, signal: AbortSignal) => Promise<ReconciledReply>;
    };

/** What the provider says, as the reply that the vanished handler would have given. */
export type ReconciledReply =
  | { readonly state: 'committed'; readonly reply: ReplyToRecord }
  /** And never will be. */
  | { readonly state: 'absent' }
  | { readonly state: 'unknown' };

export interface ReplyToRecord {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export type IdempotencyOptions<Request> = RouteEffect & {
  readonly store: TokenStore;
  /** Where replies over 340 KiB, as recorded, are kept. */
  readonly blobs?: BlobStore;
  readonly telemetry?: Telemetry;
  /** Whose operations these are: where `agent-once --namespace` finds them. */
  readonly namespace: string;
  /** What the route does: `payments.charge`. */
  readonly action: string;
  /**
   * Who asks, as verified before. The same key of another caller is another operation. Without a caller
   * the request is refused (401).
   */
  readonly caller: (request: Request) => string | undefined;
  /** `optional`: a request without a key is let through, and is not guarded. Default `required`. */
  readonly key?: 'required' | 'optional';
  /** How long a reply is replayed. Default `api`: an hour. */
  readonly retention?: string | Retention;
  /** The handler's time. Default 60,000. */
  readonly timeoutMs?: number;
  /** How long a crashed process blocks the key; renewed while the handler runs. Default 15,000. */
  readonly leaseMs?: number;
  readonly maxAttempts?: number;
  /** How long a duplicate waits for the handler that runs now. Default 0: it is answered 409 at once. */
  readonly waitMs?: number;
  /**
   * Larger bodies reach the caller but are not kept, so they can't be replayed. Default 5 MiB with
   * `blobs`, else 240 KiB.
   */
  readonly maxReplyBytes?: number;
};

/** What a guarded handler may know and use. */
export interface Idempotency {
  /** As the caller sent it. */
  readonly key: string;
  /** What `agent-once show` takes. */
  readonly token: string;
  /** The same for every attempt of this request: pass it to the provider, or give it to `fetchOnce`. */
  readonly idempotencyKey: string;
  /** Recorded before a `reconcilable` or `once` handler runs; what `reconcile` is asked about. */
  readonly trackingId: string;
  /** 1 for the first; counts crashed ones. */
  readonly attempt: number;
  readonly traceparent?: string;
  /** Aborts where the claim is lost or the time is up: look at it right before sending. */
  readonly signal: AbortSignal;
  /**
   * Says that nothing happened and nothing will: a 5xx then gives the key back for another attempt,
   * where it would otherwise leave the question whether the effect was sent.
   */
  notDone(): void;
}

/** @throws {RangeError} naming what is wrong, when the server starts and not at the first request */
export function checkOptions(options: IdempotencyOptions<never>): void {
  const { namespace, action, retention } = options;
  const faults: string[] = [];
  if (parseNamespace(namespace) === undefined) {
    faults.push(`namespace must be lower-case words with dashes, not "${namespace}"`);
  }
  if (parseAction(action) === undefined) {
    faults.push(`action must be dotted lower-case words, like payments.charge, not "${action}"`);
  }
  if (!['pure', 'idempotent', 'reconcilable', 'once'].includes(options.effect)) {
    faults.push('effect must be pure, idempotent, reconcilable or once');
  }
  if (faults.length > 0) throw new RangeError(`Idempotency: ${faults.join('; ')}.`);
  if (typeof retention === 'string') resolveRetention(retention);
}
