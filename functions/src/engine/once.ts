import { z } from 'zod';
import type { ClaimRequest } from '../operation/claim.ts';
import type { Effect, Retention } from '../operation/record.ts';
import { parseNamespace } from '../token/token.ts';
import type { Context } from '../token/hash.ts';
import type { TaskOutcome } from './outcome.ts';
import { unpackValue } from './payload.ts';
import { recordedAnswer } from './answer-duplicate.ts';
import { registerSteps } from './register-steps.ts';
import { reportTask } from './report.ts';
import { outcomeOf, perform } from './run-task.ts';
import type { Runtime } from './runtime.ts';
import { defineStep } from './step.ts';
import type { AnyStep, ReconcileContext, Reconciliation, StepContext } from './step.ts';
import { factsOf, makeTask } from './tasks.ts';

/** One call to guard: who makes it, what it is, and what a second run of it would mean. */
export interface OnceRequest<Params, Result> {
  readonly namespace: string;
  /** Who calls; kept in the ledger. Default `program`. */
  readonly agent?: string;
  readonly action: string;
  readonly params: Params;
  /** The caller's own key. Without it, equal requests within five minutes are one. */
  readonly key?: string;
  readonly scope?: string;
  readonly context?: Context;
  readonly effect: Effect;
  /** Required for `reconcilable`: asks the provider what became of a lapsed effect. */
  readonly reconcile?: (context: ReconcileContext<Params>) => Promise<Reconciliation<Result>>;
  readonly retention?: string | Retention;
  readonly timeoutMs?: number;
  readonly leaseMs?: number;
  readonly maxAttempts?: number;
  /** How long to wait for someone else who runs it now. Default 0: fail fast. */
  readonly waitMs?: number;
}

export interface OnceAnswer<Result> {
  readonly result: Result;
  /** The effect had been run before, here or elsewhere; the result is the recorded one. */
  readonly replayed: boolean;
}

/** The call has no result to give. `outcome` says why, and whether trying again makes sense. */
export class OnceRefused extends Error {
  override readonly name = 'OnceRefused';
  readonly outcome: TaskOutcome;

  constructor(action: string, outcome: TaskOutcome) {
    super(`${action} was not run to a result: ${explain(outcome)}`);
    this.outcome = outcome;
  }
}

const NO_STEPS = registerSteps([]);
const FIRST_POLL_MS = 20;
const LONGEST_POLL_MS = 1_000;

/**
 * Runs `effect` if this request has not been run, and answers the recorded result if it has.
 *
 * @throws {OnceRefused} for every other outcome: in flight elsewhere, in doubt, mismatch, a recorded
 * or retryable error, the store away. Nothing was run then that is not on record.
 */
export async function guardCall<Params, Result>(
  runtime: Runtime,
  asked: OnceRequest<Params, Result>,
  effect: (context: StepContext<Params>) => Promise<Result> | Result,
): Promise<OnceAnswer<Result>> {
  const { waitMs = 0, ...request } = asked;
  const step = stepFor(request, effect);
  const giveUpAt = runtime.clock.monotonic() + waitMs;
  for (let pollMs = FIRST_POLL_MS; ; pollMs = Math.min(LONGEST_POLL_MS, pollMs * 2)) {
    const outcome = await attempt(runtime, step, request);
    switch (outcome.kind) {
      case 'completed':
        return { result: outcome.result as Result, replayed: false };
      case 'replayed': {
        const answer = await recordedAnswer(runtime, outcome.answer);
        if (answer.kind === 'error') throw new OnceRefused(asked.action, { ...outcome, answer });
        const result = (await unpackValue(answer.stored, runtime.blobs)) as Result;
        return { result, replayed: true };
      }
      case 'in_flight_here':
      case 'in_flight_elsewhere': {
        const leftMs = giveUpAt - runtime.clock.monotonic();
        if (leftMs <= 0) throw new OnceRefused(asked.action, outcome);
        await pause(runtime, Math.min(leftMs, pollMs, outcome.retryAfterMs));
        break;
      }
      default:
        throw new OnceRefused(asked.action, outcome);
    }
  }
}

async function attempt<Params>(
  runtime: Runtime,
  step: AnyStep,
  request: OnceRequest<Params, unknown>,
): Promise<TaskOutcome> {
  const { action, params, key, scope, context, agent = 'program' } = request;
  const namespace = parseNamespace(request.namespace);
  if (namespace === undefined) {
    throw new RangeError(
      `"${request.namespace}" is not a namespace: lower-case words with dashes.`,
    );
  }
  const origin = {
    namespace,
    agent,
    ...(key !== undefined && { key }),
    ...(scope !== undefined && { scope }),
    ...(context && { context }),
  };
  const task = makeTask({ action, params }, origin, runtime.clock.now());
  const claimId = runtime.newClaimId();
  const claim: ClaimRequest = {
    facts: factsOf(task, namespace, step),
    claimId,
    leaseMs: step.leaseMs,
    holder: `call:${claimId}`,
    ...(task.window && { window: task.window }),
  };
  const progress = { began: runtime.clock.monotonic(), checkMs: 0, attempt: 0 };
  const outcome = await perform(
    runtime,
    { step, params, request: claim, task, steps: NO_STEPS, isCall: true },
    progress,
  ).catch(outcomeOf);
  reportTask(runtime, step, { task, namespace }, outcome, progress);
  return outcome;
}

function stepFor<Params, Result>(
  request: OnceRequest<Params, Result>,
  run: (context: StepContext<Params>) => Promise<Result> | Result,
): AnyStep {
  const { action, effect, reconcile, retention, timeoutMs, leaseMs, maxAttempts } = request;
  if (effect === 'reconcilable' && !reconcile) {
    throw new RangeError(`${action} is reconcilable, so it needs a reconcile function.`);
  }
  return defineStep({
    action,
    params: z.custom<Params>(),
    run,
    ...((reconcile && effect === 'reconcilable' ? { effect, reconcile } : { effect }) as {
      effect: Exclude<Effect, 'reconcilable'>;
    }),
    ...(retention !== undefined && { retention }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(leaseMs !== undefined && { leaseMs }),
    ...(maxAttempts !== undefined && { maxAttempts }),
  });
}

function pause({ clock }: Runtime, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}

function explain(outcome: TaskOutcome): string {
  switch (outcome.kind) {
    case 'in_flight_here':
    case 'in_flight_elsewhere':
      return `someone else runs it now; ask again in ${outcome.retryAfterMs} ms.`;
    case 'in_doubt':
      return `it is in doubt (${outcome.error.message}).`;
    case 'mismatch':
    case 'expired':
    case 'invalid':
      return outcome.faults.join('; ');
    case 'retryable_error':
    case 'terminal_error':
    case 'store_away':
      return `${outcome.error.code}: ${outcome.error.message}`;
    case 'replayed':
      return outcome.answer.kind === 'error'
        ? `it failed for good before (${outcome.answer.error.code}: ${outcome.answer.error.message}).`
        : 'its result is in cold storage.';
    case 'cancelled':
      return `it was cancelled (${outcome.reason}).`;
    case 'claim_lost':
      return 'the lease was lost while it ran; nothing was recorded.';
    case 'completed':
      return 'it completed.';
  }
}
