import { concludeError, concludeExhausted, concludeUnknown } from '../operation/conclusion.ts';
import type { Attempt, Conclusion } from '../operation/conclusion.ts';
import type { ReconcileQuestion } from '../operation/claim.ts';
import type { RecordedError } from '../operation/errors.ts';
import { leavesQuestions } from '../operation/record.ts';
import { shownToken } from '../token/token.ts';
import type { Token } from '../token/token.ts';
import type { Lease } from './lease.ts';
import type { Runtime } from './runtime.ts';
import type { AnyStep, Reconciliation, StepContext } from './step.ts';

/** One claimed operation, ready to run. */
export interface Run {
  readonly step: AnyStep;
  readonly params: unknown;
  readonly token: Token;
  readonly idempotencyKey: string;
  readonly traceparent?: string | undefined;
  readonly lease: Lease;
  /** Present where an earlier holder started the effect and vanished. */
  readonly question?: ReconcileQuestion | undefined;
  /** Store time after which an effect that has not been started is not started any more. */
  readonly deadlineAt?: number | undefined;
}

/** Runs a step under its lease, the provider asked first where an earlier attempt left a question. */
export async function runStep(runtime: Runtime, run: Run): Promise<Conclusion> {
  const { step, lease, question } = run;
  const exhausted = lease.attempt > step.maxAttempts;
  const asksOnly = question !== undefined && lease.attempt === step.maxAttempts + 1;
  if (exhausted && !asksOnly) return concludeExhausted(attemptOf(runtime, run));
  if (isOverdue(runtime, run)) return { kind: 'failed', error: DEADLINE_PASSED };
  if (question) {
    const settled = await reconcile(runtime, run, question);
    if (settled) return settled;
    lease.cleared();
  }
  if (exhausted) return concludeExhausted(attemptOf(runtime, run));
  try {
    const result: unknown = await untilAborted(lease.signal, () =>
      step.run(contextOf(runtime, run)),
    );
    if (leavesQuestions(step.effect) && !lease.started()) warnUnstarted(runtime, step);
    return { kind: 'done', result };
  } catch (error) {
    return concludeError(error, attemptOf(runtime, run));
  }
}

/** The provider's word as a conclusion; `undefined` where the effect is absent and may be run. */
async function reconcile(
  runtime: Runtime,
  run: Run,
  question: ReconcileQuestion,
): Promise<Conclusion | undefined> {
  const { step, params, idempotencyKey, lease } = run;
  const { trackingId } = question;
  const { signal } = lease;
  // Taken before asking: a slow answer tells how things stood when it was given.
  const lapsedForMs = runtime.store.now() - question.lapsedAt;
  let told: Reconciliation<unknown>;
  try {
    const asked = await untilAborted(signal, () =>
      step.reconcile?.({ params, trackingId, idempotencyKey, signal }),
    );
    told = asked ?? { state: 'unknown' };
  } catch (error) {
    const attempt = attemptOf(runtime, run);
    const lost = concludeError(error, attempt);
    if (lost.kind === 'lost') return lost;
    told = { state: 'unknown' };
  }
  if (told.state === 'committed') return { kind: 'done', result: told.result };
  if (told.state === 'absent' && lapsedForMs >= (step.settleMs ?? 0)) return undefined;
  return concludeUnknown(
    {
      code: 'effect_unknown',
      message: `The provider can't say yet what became of ${trackingId}.`,
      retryable: true,
      ...(step.settleMs !== undefined && { retryAfterMs: step.settleMs }),
    },
    attemptOf(runtime, run),
  );
}

function isOverdue({ store }: Runtime, { deadlineAt, lease }: Run): boolean {
  return deadlineAt !== undefined && !lease.started() && store.now() > deadlineAt;
}

const DEADLINE_PASSED: RecordedError = {
  code: 'deadline_passed',
  message: 'The step was not started within its deadline.',
  retryable: false,
};

function contextOf(runtime: Runtime, run: Run): StepContext<unknown> {
  const { step, params, token, idempotencyKey, traceparent, lease } = run;
  return {
    params,
    token,
    idempotencyKey,
    attempt: lease.attempt,
    ...(traceparent !== undefined && { traceparent }),
    signal: lease.signal,
    start: (trackingId = idempotencyKey) => lease.start(trackingId),
    log(message, fields = {}) {
      runtime.telemetry.event('INFO', message, {
        token: shownToken(token),
        ...fields,
        action: step.action,
      });
    },
  };
}

function attemptOf(runtime: Runtime, { step, lease, question }: Run): Attempt {
  return {
    effect: lease.effect,
    attempt: lease.attempt,
    maxAttempts: step.maxAttempts,
    started: lease.started(),
    startUnanswered: lease.startUnanswered(),
    mayStillCome: question !== undefined && step.settleMs === undefined,
    random: runtime.random(),
  };
}

/** Settles when the work does or the signal aborts, whichever is first: some steps ignore signals. */
async function untilAborted<T>(signal: AbortSignal, work: () => Promise<T> | T): Promise<T> {
  signal.throwIfAborted();
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([Promise.resolve(work()), aborted]);
  } finally {
    if (stop) signal.removeEventListener('abort', stop);
  }
}

function warnUnstarted({ telemetry }: Runtime, step: AnyStep): void {
  telemetry.event(
    'WARNING',
    `${step.action} is declared ${step.effect} but returned without calling start(): ` +
      'a crash in it would have been taken for a run that never began.',
    { action: step.action },
  );
}
