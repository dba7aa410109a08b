/** What many runs went through, by kind. */
export interface KindTally {
  seeds: number;
  events: number;
  readonly met: Record<string, number>;
}

/** What one run went through. */
interface Met {
  readonly events: number;
  readonly faults: ReadonlyMap<string, number>;
  readonly met: ReadonlyMap<string, number>;
}

/** Every kind that a run can meet is there from the start, so that one which never happens shows. */
export function emptyKindTally(kinds: readonly string[]): KindTally {
  return { seeds: 0, events: 0, met: Object.fromEntries(kinds.map((kind) => [kind, 0])) };
}

export function addKindRun(tally: KindTally, { events, faults, met }: Met): void {
  addKindTally(tally, { seeds: 1, events, met: Object.fromEntries([...faults, ...met]) });
}

export function addKindTally(tally: KindTally, { seeds, events, met }: KindTally): void {
  tally.seeds += seeds;
  tally.events += events;
  for (const [kind, count] of Object.entries(met)) {
    if (kind in tally.met) tally.met[kind] = (tally.met[kind] ?? 0) + count;
  }
}

export function printKindTally({ seeds, events, met }: KindTally): string {
  const counts = Object.entries(met).map(([kind, count]) => `${kind} ${count}`);
  return `${seeds} seeds, ${events} events\n${counts.join(', ')}`;
}

/** The kinds that were met less than `times` times. */
export function seldomMetKinds({ met }: KindTally, times: number): string[] {
  return Object.entries(met)
    .filter(([, count]) => count < times)
    .map(([kind, count]) => `${kind}: ${count}`);
}
