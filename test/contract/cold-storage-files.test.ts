import { readlinkSync } from 'node:fs';
import { open, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { fileBlobs } from '../../functions/src/adapters/filesystem/blobs.ts';
import { fileCold } from '../../functions/src/adapters/filesystem/cold.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { coldStorageContract } from './cold-storage.contract.ts';

coldStorageContract({
  name: 'files',
  async open() {
    const folder = await scratchFolder();
    return { cold: fileCold(folder), close: () => rm(folder, { recursive: true }) };
  },
});

test('what a writer that was killed left half-way is no object', async () => {
  const folder = await scratchFolder();
  await writeFile(join(folder, 'a.gz.0a1b.part'), 'half');
  const cold = fileCold(folder);
  const names: string[] = [];
  for await (const { name } of cold.list('')) names.push(name);
  expect(names).toEqual([]);
  const bytes = Buffer.from('whole');
  expect(await cold.put({ name: 'a.gz', bytes, schema: 'test@1', operations: 1 })).toBe('written');
  await rm(folder, { recursive: true });
});

test.each(['put', 'delete'] as const)(
  'what a writer that was killed left is gone from the folder with the next %s, an hour after',
  async (verb) => {
    const folder = await scratchFolder();
    const at = (name: string) => join(folder, 'operations/0003', name);
    const object = { name: 'operations/0003/b.gz', bytes: Buffer.from('b'), schema: 's' };
    await fileCold(folder).put({ ...object, operations: 1 });
    const left = ['a.gz.0a1b.part', 'a.gz.about.json.0a1b.part', 'c.gz.0a1b.part'];
    for (const name of left) await writeFile(at(name), 'payload');
    const { mtimeMs } = await stat(at('a.gz.0a1b.part'));
    // Another writer is still at this one.
    await utimes(at('c.gz.0a1b.part'), new Date(), new Date(mtimeMs + 1_800_000));
    const cold = fileCold(folder, () => mtimeMs + 3_600_001);
    if (verb === 'put') await cold.put({ ...object, operations: 1 });
    else await cold.delete(object.name);
    const standing = verb === 'put' ? ['b.gz', 'b.gz.about.json'] : [];
    const names = await readdir(join(folder, 'operations/0003'));
    expect(names.toSorted()).toEqual([...standing, 'c.gz.0a1b.part']);
    await rm(folder, { recursive: true });
  },
);

test('an object is as old as its content, also where it was copied from a backup', async () => {
  const folder = await scratchFolder();
  const cold = fileCold(folder);
  await cold.put({ name: 'a.gz', bytes: Buffer.from('a'), schema: 's', operations: 1 });
  const written = new Date(Date.now() - 30 * 86_400_000);
  await utimes(join(folder, 'a.gz'), written, written);
  for await (const { storedAt } of cold.list('')) expect(storedAt).toBe(written.getTime());
  await rm(folder, { recursive: true });
});

test('a name that leads out of the folder is refused', async () => {
  const cold = fileCold('/nowhere');
  await expect(cold.read('../secret')).rejects.toThrow(RangeError);
});

/** What is synced to disk until a call is answered, in that order. */
async function syncedBy(call: () => Promise<unknown>): Promise<string[]> {
  const file = await open('/dev/null');
  const handles = Object.getPrototypeOf(file) as typeof file;
  await file.close();
  const synced: string[] = [];
  const { sync } = handles;
  const spy = vi.spyOn(handles, 'sync').mockImplementation(async function (this: typeof file) {
    const path = readlinkSync(`/proc/self/fd/${this.fd}`);
    await sync.call(this);
    synced.push(path);
  });
  await call();
  spy.mockRestore();
  return synced;
}

test.each(['cold storage', 'blobs'])(
  'the name of what is written to %s is on disk once that is answered, with all folders above it',
  async (which) => {
    const folder = await scratchFolder();
    const root = join(folder, 'new', 'root');
    const bytes = Buffer.from('whole');
    const put = (name: string) =>
      which === 'blobs'
        ? fileBlobs(root).put(name, bytes)
        : fileCold(root).put({ name, bytes, schema: 'test@1', operations: 1 });
    const first = await syncedBy(() => put('a/b/1.gz'));
    expect(first.at(-1)).toBe(join(root, 'a/b'));
    const made = [folder, join(folder, 'new'), root, join(root, 'a')];
    expect(first.filter((path) => made.includes(path)).toSorted()).toEqual(made);
    // A name that stands already may be somebody's who has not synced it yet.
    expect((await syncedBy(() => put('a/b/1.gz'))).at(-1)).toBe(join(root, 'a/b'));
    await rm(folder, { recursive: true });
  },
);

test('a listing goes on where an object was replaced by one with a later name', async () => {
  const folder = await scratchFolder();
  const cold = fileCold(folder);
  const put = (name: string) =>
    cold.put({ name, bytes: Buffer.from(name), schema: 'test@1', operations: 1 });
  for (const name of ['a.1', 'b.1', 'c.1']) await put(name);
  const names: string[] = [];
  for await (const { name } of cold.list('')) {
    names.push(name);
    if (name !== 'a.1') continue;
    await put('b.2');
    await cold.delete('b.1');
  }
  expect(names).toEqual(['a.1', 'b.2', 'c.1']);
  await rm(folder, { recursive: true });
});
