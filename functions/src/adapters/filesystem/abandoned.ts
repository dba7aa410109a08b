import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** No write of one file takes so long. */
const ABANDONED_MS = 3_600_000;

/** Removes from a folder what writers that were killed left half-way: files so named, an hour old. */
export async function removeAbandoned(folder: string, ending: string, now: number): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (!name.endsWith(ending)) continue;
    const path = join(folder, name);
    const written = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => Infinity,
    );
    if (written < now - ABANDONED_MS) await rm(path, { force: true });
  }
}
