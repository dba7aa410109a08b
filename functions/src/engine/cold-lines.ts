import { gunzipSync } from 'node:zlib';
import type { ColdStorage } from '../ports/cold-storage.ts';
import { linesOf, parseArchiveLine } from '../retention/archive-line.ts';
import type { ArchivedLine } from '../retention/archive-line.ts';

/**
 * The operations in an object of cold storage, in their order; `undefined` where nothing has that name.
 *
 * @throws where it can't be read, naming it
 */
export async function linesIn(
  cold: Pick<ColdStorage, 'read'>,
  name: string,
): Promise<ArchivedLine[] | undefined> {
  const bytes = await cold.read(name);
  // Nothing is no gzip member, and no operations.
  if (!bytes || bytes.length === 0) return bytes && [];
  try {
    return linesOf(gunzipSync(bytes).toString()).map((line) => parseArchiveLine(line));
  } catch (cause) {
    throw new Error(
      `${name} in cold storage is damaged, or no object of the archiver’s (${String(cause)}). ` +
        'Move it out of the folder, and try again.',
      { cause },
    );
  }
}
