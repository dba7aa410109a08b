import type { Clock } from '../../functions/src/ports/clock.ts';

/** A clock that stands still until it is told to move. */
export interface SettableClock extends Clock {
  /** Moves both times on. What falls due on the way runs at its own instant, in the order of instants. */
  advance(ms: number): void;
}

interface Timer {
  readonly at: number;
  readonly fn: () => void;
}

/** @param startAt wall time to begin with, in epoch milliseconds */
export function settableClock(startAt: number = Date.UTC(2026, 0, 31)): SettableClock {
  let passed = 0;
  const timers = new Set<Timer>();

  function nextUntil(end: number): Timer | undefined {
    return [...timers].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
  }

  return {
    now: () => startAt + passed,
    monotonic: () => passed,
    after(ms, fn) {
      const timer = { at: passed + Math.max(0, ms), fn };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      const end = passed + ms;
      for (let timer = nextUntil(end); timer; timer = nextUntil(end)) {
        timers.delete(timer);
        passed = timer.at;
        timer.fn();
      }
      passed = end;
    },
  };
}
