import type { Paint } from '../../functions/src/cli/paint.ts';
import { table } from '../../functions/src/cli/table.ts';
import type { ActionTally, Tally } from './tally.ts';

/** Attempts against effects, action by action. */
export function tallyTable(actions: readonly ActionTally[], paint: Paint): string {
  const count = (title: string, of: Exclude<keyof ActionTally, 'action'>) =>
    ({ title, cell: (row: ActionTally) => String(row[of]), align: 'right' }) as const;
  return table<ActionTally>(
    actions,
    [
      { title: 'ACTION', cell: ({ action }) => action },
      count('TASKS', 'tasks'),
      count('DELIVERIES', 'deliveries'),
      count('ATTEMPTS', 'attempts'),
      count('EFFECTS', 'effects'),
    ],
    paint,
  );
}

export function isHeld({ duplicateEffects, lostEffects, unsettled }: Tally): boolean {
  return duplicateEffects === 0 && lostEffects === 0 && unsettled === 0;
}

/** The demo's last line for people. */
export function verdict(tally: Tally, seconds: number, paint: Paint): string {
  const { tasks, deliveries, attempts, kills, effects } = tally;
  const counted =
    `${tasks} tasks, ${deliveries} deliveries, ${attempts} attempts, ${kills} kill: ` +
    `${effects} effects, ${tally.duplicateEffects} duplicated, ${tally.lostEffects} lost`;
  if (isHeld(tally))
    return `${paint('green', 'Each effect happened once.')} ${counted}. ${seconds} s`;
  const open = tally.unsettled === 0 ? '' : `, ${tally.unsettled} tasks not settled`;
  return `${paint('red', 'The promise is broken.')} ${counted}${open}. ${seconds} s`;
}
