import type { ClaimRequest } from '../operation/claim.ts';
import { StoreAway, recordedError } from '../operation/errors.ts';
import type { TaskDelivery, TaskMessage } from '../operation/task.ts';
import { answerDuplicate } from './answer-duplicate.ts';
import { claimToken } from './claim-token.ts';
import { discardTask } from './discard-blobs.ts';
import { holdLease } from './lease.ts';
import type { TaskOutcome } from './outcome.ts';
import { prepare } from './prepare.ts';
import { finish } from './finish.ts';
import { following } from './publish-follow-ups.ts';
import { progressOf } from './progress.ts';
import { recordConclusion } from './record-conclusion.ts';
import { reportTask } from './report.ts';
import type { Progress } from './report.ts';
import { tellOfRefusal } from './refused-member.ts';
import { runStep } from './run-step.ts';
import type { Runtime } from './runtime.ts';
import type { Steps } from './register-steps.ts';
import type { AnyStep } from './step.ts';
import { underToken } from './tasks.ts';
import { unlessTurnedBack } from './turned-back.ts';
import { documentId } from '../token/token.ts';

/**
 * A task's whole way: validate, claim, run, record with what follows from it, publish that, mark.
 *
 * Never throws: whatever goes wrong is an outcome with its row in the outcome table. A crash at any
 * point leaves a record from which the next delivery or the sweep goes on.
 */
export async function runTask(
  runtime: Runtime,
  steps: Steps,
  delivery: TaskDelivery,
): Promise<TaskOutcome> {
  const progress: Progress = { began: runtime.clock.monotonic(), checkMs: 0, attempt: 0 };
  let outcome: TaskOutcome;
  try {
    const prepared = await prepare(runtime, steps, delivery);
    outcome =
      prepared.kind === 'invalid'
        ? prepared
        : await perform(runtime, { ...prepared, steps, task: delivery.task }, progress);
    await tellOfRefusal(runtime, steps, delivery, outcome);
    if (prepared.kind === 'ready') await discardTask(runtime, prepared.request, outcome);
  } catch (error) {
    outcome = outcomeOf(error);
  }
  reportTask(runtime, steps.get(delivery.task.action), delivery, outcome, progress);
  return outcome;
}

/** One validated operation: what to claim, and what to run under the claim. */
export interface Work {
  readonly step: AnyStep;
  readonly params: unknown;
  readonly request: ClaimRequest;
  readonly task: TaskMessage;
  /** Where the workflow that the task belongs to is defined. */
  readonly steps: Steps;
  /** A program's own call. What follows from a task under the same token is not its to publish. */
  readonly isCall?: true;
}

/** Claim, run, record, publish. Throws where the store, the blobs or the queue gave no answer. */
export async function perform(
  runtime: Runtime,
  work: Work,
  progress: Progress,
): Promise<TaskOutcome> {
  const { step, params, request, steps } = work;
  const answer = await claimToken(runtime, request);
  progress.checkMs = runtime.clock.monotonic() - answer.askedAt;
  if (answer.kind !== 'claimed') {
    return answerDuplicate(runtime, answer, request.holder, work.isCall ? undefined : work);
  }
  const { claim, reconcile: question, askedAt } = answer;
  const task = underToken(work.task, claim.token);
  progress.attempt = claim.attempt;
  const dropped = await unlessTurnedBack(runtime, steps, task, claim, question);
  if (dropped) return dropped;

  const lease = holdLease(runtime, claim, askedAt, step.timeoutMs);
  try {
    const { token } = claim;
    const idempotencyKey = documentId(claim.namespace, token);
    const { traceparent, deadlineAt } = task;
    const run = { step, params, token, idempotencyKey, traceparent, deadlineAt, lease, question };
    const conclusion = await runStep(runtime, run);
    if (conclusion.kind === 'lost') return { kind: 'claim_lost' };

    const follows =
      conclusion.kind === 'done'
        ? await following({ ...work, task }, claim.namespace, conclusion.result)
        : undefined;
    const moves = progressOf(runtime, steps, task, claim, conclusion);
    const recorded = await recordConclusion(runtime, lease, conclusion, follows, moves);
    if (recorded.kind === 'lost') return { kind: 'claim_lost' };

    return await finish(runtime, request, conclusion, recorded, { follows, moves });
  } finally {
    lease.end();
  }
}

/** A throw by anything but the step itself: the store, the blobs or the queue. */
export function outcomeOf(error: unknown): TaskOutcome {
  const recorded = recordedError(error);
  if (error instanceof StoreAway) return { kind: 'store_away', error: recorded };
  return { kind: 'retryable_error', error: recorded, retryAfterMs: 1_000 };
}
