import { randomUUID } from 'node:crypto';
import { link, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { ColdMismatch } from '../../ports/cold-storage.ts';
import type { ByteRange, ColdEntry, ColdStorage } from '../../ports/cold-storage.ts';
import { crc32c } from '../../retention/crc32c.ts';
import { removeAbandoned } from './abandoned.ts';
import { makeFolder, syncFolder, writeAside } from './durable.ts';

/** What is kept beside an object's content. No name of an object ends so. */
const BESIDE = '.about.json';
/** Of a file that is not whole yet. */
const ASIDE = '.part';

interface About {
  readonly schema: string;
  readonly operations: number;
}

/**
 * Cold storage as files below a folder. An object is written aside, synced, read back, and linked to its
 * name, which fails where the name is taken: it is there whole or not at all, and never written over. The
 * name is on disk too once a write is answered, also where somebody else's write is found there. What a
 * writer that was killed left beside it goes with the first write or deletion in its folder an hour after.
 * `now` is the time of the file system.
 */
export function fileCold(folder: string, now: () => number = Date.now): ColdStorage {
  const root = resolve(folder);

  function pathOf(name: string): string {
    const path = join(root, name);
    if (path.startsWith(root + sep) && !path.endsWith(BESIDE) && !path.endsWith(ASIDE)) return path;
    throw new RangeError(`"${name}" is no name of an object in cold storage.`);
  }

  return {
    async put({ name, bytes, schema, operations }) {
      const path = pathOf(name);
      await makeFolder(dirname(path));
      const about: About = { schema, operations };
      await linked(Buffer.from(JSON.stringify(about)), path + BESIDE);
      const written = await linked(bytes, path);
      await removeAbandoned(dirname(path), ASIDE, now());
      await syncFolder(dirname(path));
      return written ? 'written' : 'standing';
    },

    async read(name, range) {
      try {
        return await (range ? readPart(pathOf(name), range) : readFile(pathOf(name)));
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined;
        throw error;
      }
    },

    async *list(prefix) {
      let names = await namesBelow(root, prefix);
      for (let at = 0; at < names.length; at += 1) {
        const name = names[at] as string;
        const entry = await entryOf(name, join(root, name));
        if (entry) yield entry;
        // It is gone since. What was put in its place has a name that comes later.
        else names = [...names.slice(0, at + 1), ...(await namesBelow(root, prefix, name))];
      }
    },

    async delete(name) {
      const path = pathOf(name);
      const standing = await stat(path).then(
        () => true,
        () => false,
      );
      await rm(path, { force: true });
      await rm(path + BESIDE, { force: true });
      await removeAbandoned(dirname(path), ASIDE, now());
      return standing ? 'deleted' : 'absent';
    },
  };
}

/** Whether the name was free. Where it was taken, the same bytes must stand there. */
async function linked(bytes: Uint8Array, path: string): Promise<boolean> {
  const aside = `${path}.${randomUUID()}${ASIDE}`;
  await writeAside(aside, bytes);
  try {
    verify(path, bytes, await readFile(aside));
    await link(aside, path);
    return true;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    verify(path, bytes, await readFile(path));
    return false;
  } finally {
    await rm(aside, { force: true });
  }
}

function verify(path: string, sent: Uint8Array, standing: Uint8Array): void {
  if (crc32c(standing) === crc32c(sent)) return;
  throw new ColdMismatch(`The file ${path} holds something else than what was written there.`);
}

async function readPart(path: string, { offset, length }: ByteRange): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Names of objects, in their order. */
async function namesBelow(root: string, prefix: string, after = ''): Promise<string[]> {
  const all = await readdir(root, { recursive: true, withFileTypes: true }).catch(noFolder);
  return all
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(root.length + 1)
        .replaceAll(sep, '/'),
    )
    .filter((name) => !name.endsWith(BESIDE) && !name.endsWith(ASIDE))
    .filter((name) => name.startsWith(prefix) && name > after)
    .toSorted();
}

async function entryOf(name: string, path: string): Promise<ColdEntry | undefined> {
  try {
    const [{ size, mtimeMs }, about] = await Promise.all([stat(path), aboutOf(path)]);
    // Its content never changes. Not every file system knows when a file was made.
    return { name, bytes: size, storedAt: mtimeMs, ...about };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function aboutOf(path: string): Promise<Pick<ColdEntry, 'schema' | 'operations'>> {
  try {
    return JSON.parse(await readFile(path + BESIDE, 'utf8')) as About;
  } catch {
    return { schema: undefined, operations: 0 };
  }
}

function noFolder(error: unknown): [] {
  if (codeOf(error) === 'ENOENT') return [];
  throw error;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
