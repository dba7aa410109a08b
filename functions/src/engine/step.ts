import type { z } from 'zod';
import type { Effect, Retention } from '../operation/record.ts';
import { resolveRetention } from '../retention/classes.ts';
import { parseAction } from '../token/token.ts';
import type { Token } from '../token/token.ts';

/** What a step's handler is given. */
export interface StepContext<Params> {
  readonly params: Params;
  readonly token: Token;
  /** The same for every attempt of this operation: pass it to the provider as its idempotency key. */
  readonly idempotencyKey: string;
  /** 1 for the first. Counts claims, so an attempt that crashed is counted too. */
  readonly attempt: number;
  /** W3C trace context of the task's maker, to be passed on. */
  readonly traceparent?: string;
  /**
   * Aborts when the step's time is up or the lease is lost. Reading `aborted` (or `throwIfAborted`)
   * looks at the lease's clock at that instant, also in a process that was frozen meanwhile: check it,
   * or hand it to `fetch`, right before sending the effect.
   */
  readonly signal: AbortSignal;
  /**
   * Records that the effect may be sent from now on; call it before sending, for `reconcilable` and
   * `once`. Resolves with the tracking id to send along: the one recorded first, for all attempts.
   *
   * @throws {LeaseLost} when the token is no longer held: send nothing.
   */
  start(trackingId?: string): Promise<string>;
  log(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

export interface ReconcileContext<Params> {
  readonly params: Params;
  readonly trackingId: string;
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
}

/** What the provider says became of an effect. `absent` means: and never will be. */
export type Reconciliation<Result> =
  | { readonly state: 'committed'; readonly result: Result }
  | { readonly state: 'absent' }
  | { readonly state: 'unknown' };

/** A task that follows from a result. Make it with the following step's `task(params)`. */
export interface FollowUp {
  readonly action: string;
  readonly params: unknown;
}

interface Definition<Schema extends z.ZodType, Result> {
  /** Dotted, lower case: `payments.charge`. */
  readonly action: string;
  readonly params: Schema;
  /** How long its record stays hot: `api` 1 h, `workflow` 24 h (the default), `financial` 30 d, or your own. */
  readonly retention?: string | Retention;
  /** The step's budget. Default 60,000; must stay below the function's timeout. */
  readonly timeoutMs?: number;
  /** How long a crashed holder blocks the token; renewed at half time while the step runs. Default 15,000. */
  readonly leaseMs?: number;
  /** Claims, crashed ones included, before the operation fails or is parked in doubt. Default 10. */
  readonly maxAttempts?: number;
  /** Another context hash is a mismatch. Default: only reported as drift. */
  readonly strictContext?: boolean;
  run(context: StepContext<z.output<Schema>>): Promise<Result> | Result;
  /** Tasks that follow from the result, recorded with it in one write. Pure: it may be called again. */
  next?(result: Result, params: z.output<Schema>): readonly FollowUp[];
}

interface Reconcilable<Params, Result> {
  readonly effect: 'reconcilable';
  /** Asks the provider; runs under a claim, and may be asked again. A throw counts as `unknown`. */
  reconcile(context: ReconcileContext<Params>): Promise<Reconciliation<Result>>;
  /**
   * Where the provider doesn't refuse a second use of a tracking id: how long after a lapse an
   * `absent` may still turn into an effect. At least the effect's own timeout, at most a day.
   */
  readonly settleMs?: number;
}

interface Unreconcilable {
  readonly effect: Exclude<Effect, 'reconcilable'>;
  readonly reconcile?: never;
  readonly settleMs?: never;
}

export type StepDefinition<Schema extends z.ZodType, Result> = Definition<Schema, Result> &
  (Reconcilable<z.output<Schema>, Result> | Unreconcilable);

/** A step with its defaults filled in. */
export type Step<Schema extends z.ZodType = z.ZodType, Result = unknown> = Omit<
  Definition<Schema, Result>,
  'retention' | 'timeoutMs' | 'leaseMs' | 'maxAttempts' | 'strictContext'
> &
  (Reconcilable<z.output<Schema>, Result> | Unreconcilable) & {
    readonly retention: Retention;
    readonly timeoutMs: number;
    readonly leaseMs: number;
    readonly maxAttempts: number;
    readonly strictContext: boolean;
    /** A task for this step, to follow from another's result. */
    task(params: z.input<Schema>): FollowUp;
  };

/** Any step, whatever its params and result. */
// oxlint-disable-next-line typescript/no-explicit-any -- handlers are contravariant in their params
export type AnyStep = Step<any, any>;

/**
 * Defines a step of an agent, typed from its zod schema. `effect` has no default: what a second run
 * would mean is the author's to say.
 *
 * @throws {RangeError} naming every setting that is out of bounds
 */
export function defineStep<Schema extends z.ZodType, Result>(
  definition: StepDefinition<Schema, Result>,
): Step<Schema, Result> {
  const step = {
    timeoutMs: 60_000,
    leaseMs: 15_000,
    maxAttempts: 10,
    strictContext: false,
    ...definition,
    retention: retentionOf(definition.retention),
    task: (params: z.input<Schema>) => ({ action: definition.action, params }),
  };
  const faults = faultsOf(step);
  if (faults.length > 0) {
    throw new RangeError(`Step "${definition.action}" is not usable: ${faults.join('; ')}.`);
  }
  return step;
}

function retentionOf(retention: string | Retention = 'workflow'): Retention {
  return typeof retention === 'string' ? resolveRetention(retention) : retention;
}

const LONGEST_SETTLE_MS = 86_400_000;

function faultsOf(step: {
  action: string;
  timeoutMs: number;
  leaseMs: number;
  maxAttempts: number;
  settleMs?: number | undefined;
}): string[] {
  const faults: string[] = [];
  if (parseAction(step.action) === undefined) {
    faults.push('action must be dotted lower-case words, like payments.charge');
  }
  for (const name of ['timeoutMs', 'leaseMs', 'maxAttempts'] as const) {
    if (!Number.isSafeInteger(step[name]) || step[name] < 1) {
      faults.push(`${name} must be a whole number from 1, not ${step[name]}`);
    }
  }
  const { settleMs } = step;
  if (
    settleMs !== undefined &&
    !(Number.isSafeInteger(settleMs) && settleMs >= 0 && settleMs <= LONGEST_SETTLE_MS)
  ) {
    faults.push(`settleMs must be a whole number from 0 to ${LONGEST_SETTLE_MS}, not ${settleMs}`);
  }
  return faults;
}
