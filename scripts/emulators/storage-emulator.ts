import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { startBoundProcess } from './bound-process.ts';
import type { BoundProcess } from './bound-process.ts';
import { firebaseTools } from './firebase-tools.ts';
import type { EmulatorOptions } from './java-emulators.ts';
import { LOOPBACK, claimPort } from './ports.ts';

/**
 * The storage emulator of firebase-tools, for clients given `apiEndpoint: http://<host>`. Every request
 * counts as an administrator's: security rules are not evaluated, since their runtime is a download.
 * Known gaps: no compose, and naming a bucket in an object's path creates it.
 */
export async function startStorageEmulator(options: EmulatorOptions): Promise<BoundProcess> {
  const title = 'storage emulator';
  const tools = await firebaseTools();
  const port = await claimPort(title, options.port);
  // It keeps blobs in one fixed folder below the temporary one, and empties it: give each its own.
  const blobs = await mkdtemp(join(tmpdir(), 'agent-once-storage-'));
  const removeBlobs = () => rm(blobs, { recursive: true, force: true });
  try {
    const started = await startBoundProcess({
      title,
      command: process.execPath,
      args: [fileURLToPath(new URL('storage-process.ts', import.meta.url)), tools, String(port)],
      env: { TMPDIR: blobs },
      host: `${LOOPBACK}:${port}`,
      ...(options.log && { log: options.log }),
    });
    const exited = started.exited.then(removeBlobs);
    return {
      ...started,
      exited,
      stop: async () => {
        await started.stop();
        await exited;
      },
    };
  } catch (error) {
    await removeBlobs();
    throw error;
  }
}
