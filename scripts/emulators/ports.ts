import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

export type EmulatorName = 'firestore' | 'pubsub' | 'storage';

export const EMULATOR_NAMES: readonly EmulatorName[] = ['firestore', 'pubsub', 'storage'];

export const LOOPBACK = '127.0.0.1';

/** The ports that firebase.json declares, so that every tool and document agrees on them. */
export async function declaredPorts(): Promise<Record<EmulatorName, number>> {
  const file = new URL('../../firebase.json', import.meta.url);
  const { emulators } = JSON.parse(await readFile(file, 'utf8')) as {
    emulators: Record<EmulatorName, { port: number }>;
  };
  return {
    firestore: emulators.firestore.port,
    pubsub: emulators.pubsub.port,
    storage: emulators.storage.port,
  };
}

/** `port` if it is given and free, else a free one. Rejects in one line if the given port is taken. */
export async function claimPort(title: string, port: number | undefined): Promise<number> {
  const server = createServer();
  server.listen(port ?? 0, LOOPBACK);
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new Error(
      `Port ${port} is taken, so the ${title} can't listen there: ` +
        `stop what holds it, or declare another port in firebase.json.`,
      { cause: error },
    );
  }
  const claimed = (server.address() as AddressInfo).port;
  server.close();
  await once(server, 'close');
  return claimed;
}
