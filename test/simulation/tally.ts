import { OTHER_FAULTS, CALL_FAULTS } from './faults.ts';
import { PUBSUB_ANSWERS } from '../../functions/src/operation/outcome.ts';
import type { Run } from './simulate.ts';

/** What many runs went through, by kind. */
export interface Tally {
  seeds: number;
  events: number;
  readonly faults: Record<string, number>;
  readonly outcomes: Record<string, number>;
  readonly statuses: Record<string, number>;
}

/** Every kind that a run can meet is there from the start, so that one which never happens shows. */
export function emptyTally(): Tally {
  const none = (kinds: readonly string[]) => Object.fromEntries(kinds.map((kind) => [kind, 0]));
  return {
    seeds: 0,
    events: 0,
    faults: none([...CALL_FAULTS, ...OTHER_FAULTS]),
    outcomes: none(Object.keys(PUBSUB_ANSWERS)),
    statuses: none(['completed', 'failed', 'cancelled', 'in_doubt']),
  };
}

export function addRun(tally: Tally, run: Run): void {
  tally.seeds += 1;
  tally.events += run.events;
  addCounts(tally.faults, run.faults);
  addCounts(tally.outcomes, run.outcomes);
  addCounts(tally.statuses, run.statuses);
}

export function addTally(tally: Tally, other: Tally): void {
  tally.seeds += other.seeds;
  tally.events += other.events;
  for (const part of ['faults', 'outcomes', 'statuses'] as const) {
    addCounts(tally[part], new Map(Object.entries(other[part])));
  }
}

function addCounts(to: Record<string, number>, counts: ReadonlyMap<string, number>): void {
  for (const [kind, count] of counts) to[kind] = (to[kind] ?? 0) + count;
}

export function printTally({ seeds, events, faults, outcomes, statuses }: Tally): string {
  const row = (title: string, counts: Readonly<Record<string, number>>) =>
    `${title.padEnd(9)} ${Object.entries(counts)
      .map(([kind, count]) => `${kind} ${count}`)
      .join(', ')}`;
  return [
    `${seeds} seeds, ${events} events`,
    row('faults', faults),
    row('outcomes', outcomes),
    row('records', statuses),
  ].join('\n');
}

/** The kinds that were met less than `times` times. */
export function seldomMet({ faults, outcomes, statuses }: Tally, times: number): string[] {
  return Object.entries({ ...faults, ...outcomes, ...statuses })
    .filter(([, count]) => count < times)
    .map(([kind, count]) => `${kind}: ${count}`);
}
