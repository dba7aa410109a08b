import type { DeadLetterReason, RawMessage } from './task-publisher.ts';

/** `undelivered`: nobody refused the message; the queue gave up delivering it. */
export type WhyDead = DeadLetterReason['code'] | 'undelivered';

/** A message that is kept because it was never run. */
export interface DeadLetter {
  /** The same each time it is taken. */
  readonly id: string;
  /** Of this taking. */
  readonly handle: string;
  /** As it was published first: without what was noted on it when it was put aside. */
  readonly message: RawMessage;
  readonly why: WhyDead;
  readonly faults: readonly string[];
  /** When it was put aside, in epoch milliseconds. */
  readonly at?: number;
}

/**
 * What is kept of undeliverable messages. Taken ones are held from other takers for a while, as long as
 * the queue's acknowledgement deadline, and come again unless they are acknowledged.
 */
export interface DeadLetters {
  /** At most `limit`. None: there are no more that nobody holds, or none came in time. */
  take(limit: number): Promise<readonly DeadLetter[]>;
  /** Resolves once its message is durable in the queue of tasks again. Doing it twice is harmless. */
  publishAgain(letter: DeadLetter): Promise<void>;
  /** Forgets it for good. */
  acknowledge(handle: string): Promise<void>;
  /** Lets others take them at once. */
  giveBack(handles: readonly string[]): Promise<void>;
  close(): Promise<void>;
}
