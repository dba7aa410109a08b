/** A run's events for people, kept only where somebody will read them. */
export interface Trace {
  /** Whether anyone will read it: what is costly to tell need not be told else. */
  readonly kept: boolean;
  note(who: string, what: string, about?: string): void;
  lines(): readonly TraceLine[];
}

export interface TraceLine {
  readonly at: number;
  readonly who: string;
  readonly what: string;
  /** The task's label, where it is about one. */
  readonly about?: string;
}

export function createTrace(kept: boolean, now: () => number): Trace {
  const lines: TraceLine[] = [];
  return {
    kept,
    lines: () => lines,
    note(who, what, about) {
      if (!kept) return;
      lines.push({ at: now(), who, what, ...(about !== undefined && { about }) });
    },
  };
}

const LONGEST = 120;

/** The last lines about a task and about the processes that had to do with it. */
export function printTrace(lines: readonly TraceLine[], about: string | undefined): string {
  const involved = new Set(lines.filter((line) => line.about === about).map((line) => line.who));
  const relevant = lines.filter(
    (line) =>
      about === undefined ||
      line.about === about ||
      (line.about === undefined && involved.has(line.who)),
  );
  const shown = relevant
    .slice(-LONGEST)
    .map(
      ({ at, who, what, about: task }) =>
        `${(at / 1_000).toFixed(3).padStart(9)} s  ${who.padEnd(12)} ${(task ?? '').padEnd(12)} ${what}`,
    );
  const hidden = relevant.length - shown.length;
  return [...(hidden > 0 ? [`          (${hidden} earlier lines)`] : []), ...shown].join('\n');
}
