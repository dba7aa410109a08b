const GATHER_MS = 150;

export interface Timeline {
  /** `at` in epoch milliseconds, by the clock of whoever saw it. Default: now. */
  add(who: string, what: string, at?: number): void;
  end(): void;
}

/**
 * Prints what several processes report as one story. Lines wait a moment before they are printed, so
 * that they come in the order in which things happened, not in that of their reports.
 */
export function startTimeline(
  print: (line: string) => void,
  emphasise: (text: string) => string,
): Timeline {
  const startedAt = Date.now();
  let waiting: { readonly at: number; readonly who: string; readonly what: string }[] = [];
  const timer = setInterval(() => flush(Date.now() - GATHER_MS), GATHER_MS / 3);

  function flush(until: number): void {
    const due = waiting.filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at);
    waiting = waiting.filter(({ at }) => at > until);
    for (const { at, who, what } of due) {
      const seconds = (Math.max(0, at - startedAt) / 1_000).toFixed(2).padStart(6);
      const line = `${seconds} s  ${who.padEnd(10)}  ${what}`;
      print(who === 'demo' ? emphasise(line) : line);
    }
  }

  return {
    add: (who, what, at = Date.now()) => void waiting.push({ at, who, what }),
    end() {
      clearInterval(timer);
      flush(Infinity);
    },
  };
}
