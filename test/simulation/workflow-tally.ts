import { CALL_FAULTS, OTHER_FAULTS } from './faults.ts';
import { emptyKindTally } from './kind-tally.ts';
import type { KindTally } from './kind-tally.ts';

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

export function emptySagaTally(): KindTally {
  return emptyKindTally(KINDS);
}
