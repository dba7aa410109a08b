import type { TaskDelivery } from '../operation/task.ts';
import { shownToken } from '../token/token.ts';
import type { TaskOutcome } from './outcome.ts';
import type { Runtime } from './runtime.ts';
import type { AnyStep } from './step.ts';

/** What is learnt on the way, for the decision's log line. */
export interface Progress {
  readonly began: number;
  checkMs: number;
  attempt: number;
}

type Reported = Pick<TaskDelivery, 'task' | 'namespace'> & { readonly messageId?: string };

/** One line a delivery. Metrics and alerts are made from it; the token appears hashed. */
export function reportTask(
  { telemetry, clock, store }: Runtime,
  step: AnyStep | undefined,
  { task, namespace, messageId }: Reported,
  outcome: TaskOutcome,
  progress: Progress,
): void {
  const { traceparent } = task;
  telemetry.decision({
    outcome: outcome.kind,
    action: task.action,
    class: step?.retention.name ?? 'unknown',
    store: store.name,
    milliseconds: clock.monotonic() - progress.began,
    checkMilliseconds: progress.checkMs,
    attempt: progress.attempt,
    token: shownToken(task.token),
    namespace,
    ...(messageId !== undefined && { messageId }),
    ...(traceparent !== undefined && { trace: traceparent }),
    ...(outcome.kind === 'replayed' && outcome.drift && { drift: true }),
    ...errorOf(outcome),
  });
}

function errorOf(outcome: TaskOutcome): { error?: { code: string; message: string } } {
  switch (outcome.kind) {
    case 'in_doubt':
    case 'retryable_error':
    case 'terminal_error':
    case 'store_away': {
      const { code, message } = outcome.error;
      return { error: { code, message } };
    }
    case 'mismatch':
    case 'expired':
    case 'invalid':
      return { error: { code: outcome.kind, message: outcome.faults.join('; ') } };
    case 'completed':
    case 'replayed':
    case 'cancelled':
    case 'in_flight_here':
    case 'in_flight_elsewhere':
    case 'claim_lost':
      return {};
  }
}
