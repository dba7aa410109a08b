import type { Ratio } from './measure.ts';

/** What the ratio is to be: at most, below, or at least. */
export interface Target {
  readonly bound: '≤' | '<' | '≥';
  readonly value: number;
}

export interface Row {
  /** Its name in the JSON line. */
  readonly id: string;
  readonly what: string;
  readonly measured: Ratio;
  /** Absent for what is measured for comparison only. */
  readonly target?: Target;
  /** The absolute figures behind the ratio, or what else happened. */
  readonly detail: string;
}

export function meets({ measured, target }: Row): boolean {
  if (!target) return true;
  switch (target.bound) {
    case '≤':
      return measured.value <= target.value;
    case '<':
      return measured.value < target.value;
    case '≥':
      return measured.value >= target.value;
  }
}

export function printTable(title: string, rows: readonly Row[]): void {
  const cells = rows.map((row) => [
    row.what,
    shown(row.measured.value),
    `${shown(row.measured.low)}–${shown(row.measured.high)}`,
    row.target ? `${row.target.bound} ${row.target.value}` : '',
    row.target ? (meets(row) ? 'pass' : 'MISS') : '',
    row.detail,
  ]);
  const table = [['', 'ratio', 'spread', 'target', '', ''], ...cells];
  const widths = table[0]?.map((_, column) =>
    Math.max(...table.map((line) => line[column]?.length ?? 0)),
  );
  console.log(`\n${title}\n`);
  for (const line of table) {
    const padded = line.map((cell, column) => cell.padEnd(widths?.[column] ?? 0));
    console.log(`  ${padded.join('  ').trimEnd()}`);
  }
}

/** One line for programs: every ratio by name, and the names of those that miss their target. */
export function jsonLine(rows: readonly Row[], quick: boolean): string {
  const entries = rows.map(({ id, measured }) => [id, Number(measured.value.toPrecision(4))]);
  const misses = rows.filter((row) => !meets(row)).map(({ id }) => id);
  return JSON.stringify({ ...Object.fromEntries(entries), misses, quick });
}

function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
