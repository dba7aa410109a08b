import { randomUUID } from 'node:crypto';
import { readFile, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import type { BlobStore } from '../../ports/blob-store.ts';
import { makeFolder, syncFolder, writeAside } from './durable.ts';

/** Blobs as files below a folder. Each is written aside, synced and renamed: never seen half. */
export function fileBlobs(folder: string): BlobStore {
  const root = resolve(folder);

  function pathOf(name: string): string {
    const path = resolve(join(root, name));
    if (!path.startsWith(root + sep)) {
      throw new RangeError(`Blob name "${name}" leaves the blob folder.`);
    }
    return path;
  }

  return {
    async put(name, bytes) {
      const path = pathOf(name);
      await makeFolder(dirname(path));
      const aside = `${path}.${randomUUID()}`;
      await writeAside(aside, bytes);
      await rename(aside, path);
      await syncFolder(dirname(path));
    },

    async get(name) {
      try {
        return await readFile(pathOf(name));
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
        throw error;
      }
    },

    delete: (name) => rm(pathOf(name), { force: true }),

    async deleteUnder(folder) {
      if (!folder.endsWith('/')) throw new RangeError(`"${folder}" is no folder of blobs.`);
      await rm(pathOf(folder.slice(0, -1)), { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
