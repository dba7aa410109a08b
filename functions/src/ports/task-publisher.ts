import type { TaskMessage } from '../operation/task.ts';

/** Why a message can never be run, as its dead letter tells it. */
export interface DeadLetterReason {
  readonly code: 'invalid' | 'mismatch' | 'expired';
  /** Every fault, one line each. */
  readonly faults: readonly string[];
}

/** A message as it came, kept whole so that a dead letter loses nothing. */
export interface RawMessage {
  readonly id: string;
  readonly data: Uint8Array;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface TaskPublisher {
  /** Resolves once every task is durable in the queue. Publishing again is harmless. */
  publish(tasks: readonly TaskMessage[]): Promise<void>;
  /** Resolves once the message and the reason are durable in the dead-letter topic. */
  deadLetter(message: RawMessage, reason: DeadLetterReason): Promise<void>;
}
