import { CALL_FAULTS, OTHER_FAULTS } from './faults.ts';
import type { SagaRun } from './workflow-simulate.ts';

/** What many runs of sagas went through, by kind. */
export interface SagaTally {
  seeds: number;
  events: number;
  readonly met: Record<string, number>;
}

const KINDS: readonly string[] = [
  ...CALL_FAULTS,
  ...OTHER_FAULTS,
  ...['completed', 'compensated', 'parked'].map((status) => `saga ${status}`),
  ...['completed', 'failed', 'cancelled', 'undone', 'undo_failed', 'skipped'].map(
    (state) => `member ${state}`,
  ),
  ...['cancel', 'retry', 'skip'].map((verb) => `person: ${verb}`),
  'failed for good',
  'step deadline',
  'saga deadline',
  'results elsewhere',
  'params not built',
  'params misfit',
];

/** Every kind that a run can meet is there from the start, so that one which never happens shows. */
export function emptySagaTally(): SagaTally {
  return { seeds: 0, events: 0, met: Object.fromEntries(KINDS.map((kind) => [kind, 0])) };
}

export function addSagaRun(tally: SagaTally, { events, faults, met }: SagaRun): void {
  addSagaTally(tally, { seeds: 1, events, met: Object.fromEntries([...faults, ...met]) });
}

export function addSagaTally(tally: SagaTally, { seeds, events, met }: SagaTally): void {
  tally.seeds += seeds;
  tally.events += events;
  for (const [kind, count] of Object.entries(met)) {
    if (kind in tally.met) tally.met[kind] = (tally.met[kind] ?? 0) + count;
  }
}

export function printSagaTally({ seeds, events, met }: SagaTally): string {
  const counts = Object.entries(met).map(([kind, count]) => `${kind} ${count}`);
  return `${seeds} seeds, ${events} events\n${counts.join(', ')}`;
}

/** The kinds that were met less than `times` times. */
export function seldomMetBySagas({ met }: SagaTally, times: number): string[] {
  return Object.entries(met)
    .filter(([, count]) => count < times)
    .map(([kind, count]) => `${kind}: ${count}`);
}
