import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
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

test('a name that leads out of the folder is refused', async () => {
  const cold = fileCold('/nowhere');
  await expect(cold.read('../secret')).rejects.toThrow(RangeError);
});
