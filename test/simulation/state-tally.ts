import { CALL_FAULTS, OTHER_FAULTS } from './faults.ts';
import type { StateRun } from './state-simulate.ts';

/** What many runs of updates and appends went through, by kind. */
export interface StateTally {
  seeds: number;
  events: number;
  readonly met: Record<string, number>;
}

const KINDS: readonly string[] = [
  ...CALL_FAULTS,
  ...OTHER_FAULTS,
  'store clock set',
  ...['written', 'conflict', 'repeated'].map((kind) => `write ${kind}`),
  ...['written', 'repeated'].map((kind) => `update ${kind}`),
  ...['fresh', 'folded'].map((kind) => `append ${kind}`),
  ...['completed', 'failed'].map((status) => `task ${status}`),
  'time ticked',
  'time received',
  'read as of',
  'replay',
  'snapshot used',
  'no snapshot',
  'event handed out twice',
];

/** Every kind that a run can meet is there from the start, so that one which never happens shows. */
export function emptyStateTally(): StateTally {
  return { seeds: 0, events: 0, met: Object.fromEntries(KINDS.map((kind) => [kind, 0])) };
}

export function addStateRun(tally: StateTally, { events, faults, met }: StateRun): void {
  tally.seeds += 1;
  tally.events += events;
  for (const [kind, count] of [...faults, ...met]) {
    if (kind in tally.met) tally.met[kind] = (tally.met[kind] ?? 0) + count;
  }
}

export function printStateTally({ seeds, events, met }: StateTally): string {
  const counts = Object.entries(met).map(([kind, count]) => `${kind} ${count}`);
  return `${seeds} seeds, ${events} events\n${counts.join(', ')}`;
}

/** The kinds that were met less than `times` times. */
export function seldomMetByState({ met }: StateTally, times: number): string[] {
  return Object.entries(met)
    .filter(([, count]) => count < times)
    .map(([kind, count]) => `${kind}: ${count}`);
}
