import type { RawMessage } from './task-publisher.ts';

export interface QueuedMessage extends RawMessage {
  /** 1 for the first. */
  readonly delivery: number;
}

/** A queue that is pulled from: messages come at least once, and again when not acknowledged in time. */
export interface TaskQueue {
  /** The next visible message, hidden from others for `ackDeadlineMs`. */
  pull(ackDeadlineMs: number): QueuedMessage | undefined;
  acknowledge(id: string): void;
  /** Gives a message back, visible again after `delayMs`. */
  giveBack(id: string, delayMs: number): void;
  /** When the next message becomes visible, in epoch milliseconds; `undefined` for an empty queue. */
  nextVisibleAt(): number | undefined;
}
