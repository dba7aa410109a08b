import { resolve } from 'node:path';
import type { StoredOperation } from '../operation/record.ts';
import { shownToken } from '../token/token.ts';
import type { Terminal } from './context.ts';
import { parseEntry } from './log-entry.ts';
import { fileLines, streamLines } from './log-lines.ts';

/** Decisions about a token that ran nothing, because somebody had it or it was settled. */
const OF_DUPLICATES: ReadonlySet<string> = new Set([
  'replayed',
  'in_flight_here',
  'in_flight_elsewhere',
]);

/** How many duplicates of an operation there were. */
export function countOf(
  duplicates: ReadonlyMap<string, number>,
  { record }: StoredOperation,
): number {
  return duplicates.get(shownToken(record.token)) ?? 0;
}

/**
 * How many duplicates a log tells of, by token as logs show it. The store keeps no count of them: each would
 * cost a write.
 */
export async function duplicatesIn(
  { folder, input, signal }: Pick<Terminal, 'folder' | 'input' | 'signal'>,
  log: string,
): Promise<ReadonlyMap<string, number>> {
  const lines =
    log === '-'
      ? streamLines(input, signal)
      : fileLines(resolve(folder, log), { follow: false, signal });
  const counts = new Map<string, number>();
  for await (const line of lines) {
    const { decision } = parseEntry(line) ?? {};
    if (!decision || !OF_DUPLICATES.has(decision.outcome)) continue;
    counts.set(decision.token, (counts.get(decision.token) ?? 0) + 1);
  }
  return counts;
}
