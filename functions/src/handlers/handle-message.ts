import { recordedError } from '../operation/errors.ts';
import { PUBSUB_ANSWERS } from '../operation/outcome.ts';
import type { OutcomeKind } from '../operation/outcome.ts';
import type { TaskOutcome } from '../engine/outcome.ts';
import { runTask } from '../engine/run-task.ts';
import type { Runtime } from '../engine/runtime.ts';
import type { Steps } from '../engine/register-steps.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeadLetterReason, RawMessage } from '../ports/task-publisher.ts';
import type { Namespace } from '../token/token.ts';
import type { Delivery } from './decode-envelope.ts';
import { decodeTask } from './decode-task.ts';

export interface Receiver {
  readonly runtime: Runtime;
  readonly steps: Steps;
  /** Of the subscription, by configuration: never taken from a message. */
  readonly namespace: Namespace;
}

export interface MessageAnswer {
  /** 2xx: done with. Anything else: to be delivered again. */
  readonly status: number;
  readonly outcomeKind: OutcomeKind;
  readonly retryAfterMs?: number;
}

/** The answer while whatever went wrong on this side lasts. */
const LATER = 503;
const DEAD_LETTER_ANSWER_MS = 20_000;

/**
 * One message's whole way, from its bytes to the answer that its queue is given.
 *
 * Never throws. A message that can't ever be run is answered 2xx only once it is durable in the
 * dead-letter topic along with the reason.
 */
export async function handleMessage(
  receiver: Receiver,
  delivery: Pick<Delivery, 'message' | 'redelivery' | 'publishedAt'>,
): Promise<MessageAnswer> {
  try {
    return await answer(receiver, delivery);
  } catch (error) {
    reportFailure(receiver.runtime, 'A message was not handled; it is delivered again', error);
    return { status: LATER, outcomeKind: 'retryable_error' };
  }
}

async function answer(
  receiver: Receiver,
  { message, redelivery, publishedAt }: Pick<Delivery, 'message' | 'redelivery' | 'publishedAt'>,
): Promise<MessageAnswer> {
  const { runtime, steps, namespace } = receiver;
  const decoded = decodeTask(message, namespace, runtime.clock.now(), publishedAt);
  if (decoded.kind === 'invalid') {
    reportInvalid(receiver, message, decoded.faults);
    return refuse(runtime, message, { code: 'invalid', faults: decoded.faults });
  }
  const { task } = decoded;
  const outcome = await runTask(runtime, steps, {
    task,
    namespace,
    messageId: message.id,
    redelivery,
  });
  const reason = reasonOf(outcome);
  if (reason) return refuse(runtime, message, reason);
  const { status } = PUBSUB_ANSWERS[outcome.kind];
  return {
    status,
    outcomeKind: outcome.kind,
    ...('retryAfterMs' in outcome && { retryAfterMs: outcome.retryAfterMs }),
  };
}

/** Why a task goes to the dead-letter topic, where the outcome table says that it does. */
function reasonOf(outcome: TaskOutcome): DeadLetterReason | undefined {
  if (!PUBSUB_ANSWERS[outcome.kind].deadLetter || !('faults' in outcome)) return undefined;
  return { code: outcome.kind, faults: outcome.faults };
}

/** Answers 2xx once the message and the reason are durable, and else that it should come again. */
export async function refuse(
  { publisher, clock, telemetry }: Runtime,
  message: RawMessage,
  reason: DeadLetterReason,
): Promise<MessageAnswer> {
  try {
    await inTime(clock, publisher.deadLetter(message, reason));
    return { status: PUBSUB_ANSWERS[reason.code].status, outcomeKind: reason.code };
  } catch (error) {
    telemetry.event('ERROR', 'A message could not be dead-lettered; it is delivered again', {
      messageId: message.id,
      reason,
      error: recordedError(error),
    });
    return { status: LATER, outcomeKind: reason.code };
  }
}

async function inTime(clock: Clock, durable: Promise<void>): Promise<void> {
  const { promise: timeUp, reject } = Promise.withResolvers<never>();
  const cancel = clock.after(DEAD_LETTER_ANSWER_MS, () => {
    reject(new Error(`The dead-letter topic gave no answer within ${DEAD_LETTER_ANSWER_MS} ms.`));
  });
  try {
    await Promise.race([durable, timeUp]);
  } finally {
    cancel();
  }
}

/** An invalid message gets its decision line like any task. Only known actions, so labels stay bounded. */
export function reportInvalid(
  { runtime, steps, namespace }: Receiver,
  message: RawMessage,
  faults: readonly string[],
): void {
  const { action = 'unknown' } = message.attributes;
  const step = steps.get(action);
  runtime.telemetry.decision({
    outcome: 'invalid',
    action: step ? action : 'unknown',
    class: step?.retention.name ?? 'unknown',
    store: runtime.store.name,
    milliseconds: 0,
    checkMilliseconds: 0,
    attempt: 0,
    token: 'unknown',
    namespace,
    messageId: message.id,
    error: { code: 'invalid', message: faults.join('; ') },
  });
}

/** Never throws, whatever the log does: the answer still tells the queue to deliver again. */
export function reportFailure(
  { telemetry }: Pick<Runtime, 'telemetry'>,
  what: string,
  error: unknown,
): void {
  try {
    telemetry.event('ERROR', what, { error: recordedError(error) });
  } catch {
    // Nobody is left to tell.
  }
}
