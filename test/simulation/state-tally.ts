import { CALL_FAULTS, OTHER_FAULTS } from './faults.ts';
import { emptyKindTally } from './kind-tally.ts';
import type { KindTally } from './kind-tally.ts';

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

export function emptyStateTally(): KindTally {
  return emptyKindTally(KINDS);
}
