import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../ports/clock.ts';

/** A clock that stands still until it is told to move. */
export interface SettableClock extends Clock {
  /**
   * Moves time. What falls due on the way happens in order, each at its own instant, and what it sets
   * in motion goes on before time moves further.
   */
  advance(ms: number): Promise<void>;
}

const START = Date.UTC(2026, 0, 1);

export function settableClock(startMs: number = START): SettableClock {
  const timers = new Set<{ readonly at: number; readonly fn: () => void }>();
  let now = startMs;

  return {
    now: () => now,
    monotonic: () => now - startMs,
    after(ms, fn) {
      const timer = { at: now + ms, fn };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    async advance(ms) {
      const until = now + ms;
      await turn();
      for (;;) {
        const [next] = [...timers].filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at);
        if (!next) break;
        timers.delete(next);
        now = Math.max(now, next.at);
        next.fn();
        await turn();
      }
      now = until;
    },
  };
}
