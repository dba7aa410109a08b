import type { StoredOperation } from '../operation/record.ts';
import type { HotRecord } from './archive-plan.ts';

export const ARCHIVE_SCHEMA = 'agent-once/archive@1';

/** An operation in cold storage: its record as it stood, and when it was first claimed. */
export type ArchivedLine = HotRecord & {
  readonly archive: typeof ARCHIVE_SCHEMA;
  readonly createdAt: number;
};

/**
 * One line of NDJSON, its end included. The same record always makes the same line, so that a batch
 * copied twice is named the same. Times are epoch milliseconds. Results are canonical text within the
 * line: read as JSON and written again, they would not always be the text that was recorded.
 */
export function archiveLine({
  record,
  createdAt,
}: Pick<StoredOperation<HotRecord>, 'record' | 'createdAt'>): string {
  const line: ArchivedLine = {
    archive: ARCHIVE_SCHEMA,
    createdAt: Math.floor(createdAt),
    ...record,
  };
  return `${JSON.stringify(line)}\n`;
}

/** @throws {SyntaxError} where the text is no line of this schema */
export function parseArchiveLine(text: string): ArchivedLine {
  const line = JSON.parse(text) as Partial<ArchivedLine>;
  if (line.archive !== ARCHIVE_SCHEMA) {
    throw new SyntaxError(`A line of cold storage has the schema ${String(line.archive)}.`);
  }
  return line as ArchivedLine;
}

/** The record that a line was made from. */
export function recordOf({ archive: _archive, createdAt: _createdAt, ...record }: ArchivedLine) {
  return record as HotRecord;
}

/** The lines of a member's or an object's plain text, without their ends. */
export function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
