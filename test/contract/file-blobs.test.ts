import { execFile } from 'node:child_process';
import { readdir, rm } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fileBlobs } from '../../functions/src/adapters/filesystem/blobs.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { blobStoreContract } from './blob-store.contract.ts';

blobStoreContract({
  name: 'the file system',
  async open() {
    const folder = await scratchFolder();
    return { blobs: fileBlobs(folder), close: () => rm(folder, { recursive: true }) };
  },
});

describe('blobs as files', () => {
  const BYTES = Buffer.from('hello');
  let scratch: string;
  let folder: string;

  beforeEach(async () => {
    scratch = await scratchFolder();
    folder = join(scratch, 'blobs');
  });

  afterEach(() => rm(scratch, { recursive: true }));

  test.each(['../outside', 'a/../../outside', '..', '', '.', 'a/..'])(
    'the name %j leaves the folder, and is refused',
    async (name) => {
      const blobs = fileBlobs(folder);
      await expect(blobs.put(name, BYTES)).rejects.toThrow('leaves the blob folder');
      await expect(blobs.get(name)).rejects.toThrow('leaves the blob folder');
      expect(await readdir(scratch)).toEqual([]);
    },
  );

  test('a folder beside it whose name begins alike is outside', async () => {
    await expect(fileBlobs(folder).put('../blobs-2/a', BYTES)).rejects.toThrow('leaves');
  });

  test('a name that begins with a slash stays inside', async () => {
    const blobs = fileBlobs(folder);
    await blobs.put('/etc/passwd', BYTES);
    expect(await readdir(join(folder, 'etc'))).toEqual(['passwd']);
  });

  test('the folder may be given relative, or with a slash at its end', async () => {
    const relativeFolder = relative(process.cwd(), folder);
    for (const given of [relativeFolder, `${relativeFolder}${sep}`, `${folder}${sep}`]) {
      await fileBlobs(given).put('a/b', BYTES);
      expect(await fileBlobs(folder).get('a/b')).toEqual(BYTES);
    }
    expect(await fileBlobs('.').get('no-such-blob')).toBeUndefined();
  });

  test('nothing but the blob is left in its place', async () => {
    await fileBlobs(folder).put('a/b', BYTES);
    await fileBlobs(folder).put('a/b', BYTES);
    expect(await readdir(join(folder, 'a'))).toEqual(['b']);
  });

  test('a blob that is being written is not there until it is there whole', async () => {
    const blobs = fileBlobs(folder);
    const large = Buffer.alloc(32 * 1024 * 1024, 7);
    const written = new AbortController();
    const writing = blobs.put('a/large', large).then(() => written.abort());
    const sizes = new Set<number | undefined>();
    while (!written.signal.aborted) sizes.add((await blobs.get('a/large'))?.length);
    await writing;
    expect(sizes).toContain(undefined);
    sizes.delete(undefined);
    sizes.delete(large.length);
    expect(sizes).toEqual(new Set());
    expect((await blobs.get('a/large'))?.length).toBe(large.length);
  });

  test('a blob whose writer is killed half-way is not there, and can be put again', async () => {
    expect(await killedHalfWay(folder, 'a/large')).toBe('SIGKILL');
    expect((await readdir(join(folder, 'a'))).length).toBe(1);
    const blobs = fileBlobs(folder);
    expect(await blobs.get('a/large')).toBeUndefined();
    await blobs.put('a/large', BYTES);
    expect(await blobs.get('a/large')).toEqual(BYTES);
  });
});

const BLOBS = new URL('../../functions/src/adapters/filesystem/blobs.ts', import.meta.url);

/** Has another process put a blob and kill itself as soon as part of it is in a file. */
function killedHalfWay(folder: string, name: string): Promise<NodeJS.Signals | null> {
  const script = `
    import { readdirSync, statSync } from 'node:fs';
    import { dirname, join } from 'node:path';
    import { fileBlobs } from ${JSON.stringify(BLOBS.href)};
    const path = join(${JSON.stringify(folder)}, ${JSON.stringify(name)});
    void fileBlobs(${JSON.stringify(folder)}).put(${JSON.stringify(name)}, Buffer.alloc(2 ** 26, 7));
    function look() {
      const sizes = files(dirname(path)).map((file) => statSync(file).size);
      if (sizes.some((size) => size > 0)) process.kill(process.pid, 'SIGKILL');
      setImmediate(look);
    }
    function files(folder) {
      try {
        return readdirSync(folder).map((file) => join(folder, file));
      } catch {
        return [];
      }
    }
    look();
  `;
  return new Promise((resolve) => {
    execFile(process.execPath, ['--input-type=module', '-e', script], (error) =>
      resolve(error?.signal ?? null),
    );
  });
}
