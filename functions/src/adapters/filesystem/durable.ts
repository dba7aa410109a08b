import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes a folder and those above it, so that they outlive a crash of the machine. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  const above = dirname(first);
  for (let each = path; each !== above; each = dirname(each)) await syncFolder(dirname(each));
}

/** A new file whose content is on disk. What is seen of it under another name is never half. */
export async function writeAside(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A name outlives a crash of the machine only once its folder is on disk as well. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
