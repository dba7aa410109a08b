import { stripVTControlCharacters } from 'node:util';
import type { Paint } from './paint.ts';

export interface Column<Row> {
  readonly title: string;
  cell(row: Row): string;
  readonly align?: 'left' | 'right';
}

const GAP = '  ';

/** Rows under bold titles, as wide as their cells: nothing is cut, so that tokens can be copied. */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  paint: Paint,
): string {
  const cells = rows.map((row) => columns.map((column) => column.cell(row)));
  const titles = columns.map(({ title }) => paint('bold', title));
  const widths = columns.map((_, index) =>
    Math.max(...[titles, ...cells].map((line) => widthOf(line[index] ?? ''))),
  );
  return [titles, ...cells]
    .map((line) =>
      line
        .map((text, index) => padded(text, widths[index] ?? 0, columns[index]?.align))
        .join(GAP)
        .trimEnd(),
    )
    .join('\n');
}

function padded(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const room = ' '.repeat(Math.max(0, width - widthOf(text)));
  return align === 'right' ? room + text : text + room;
}

function widthOf(text: string): number {
  return stripVTControlCharacters(text).length;
}
