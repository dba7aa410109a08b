import type { Timestamp } from '@google-cloud/firestore';
import type { Clock } from '../../ports/clock.ts';

export interface StoreTime {
  now(): number;
  /** Takes in a time of the store's; answers it in epoch milliseconds. */
  learn(at: Timestamp): number;
}

/**
 * The store's time, learnt from the times in its answers and carried on by the monotonic clock.
 * Behind the truth by at most one answer's way back; before the first answer, the wall clock.
 */
export function storeTime(clock: Clock): StoreTime {
  let ahead: number | undefined;
  return {
    now: () => (ahead === undefined ? clock.now() : clock.monotonic() + ahead),
    learn(at) {
      const milliseconds = millisecondsOf(at);
      ahead = Math.max(ahead ?? -Infinity, milliseconds - clock.monotonic());
      return milliseconds;
    },
  };
}

/** Epoch milliseconds with their fraction, so that times compare as finely as the store's. */
export function millisecondsOf(at: Timestamp): number {
  return at.seconds * 1_000 + at.nanoseconds / 1_000_000;
}
