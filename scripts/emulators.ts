/*
 * npm run emulators: starts every emulator on the port that firebase.json declares for it, and stops
 * them all on Ctrl-C.
 */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

import { EMULATOR_NAMES, declaredPorts } from './emulators/ports.ts';
import { startEmulators } from './emulators/start.ts';

const LOGS = fileURLToPath(new URL('../.agent-once/emulators/', import.meta.url));

async function main(): Promise<void> {
  const ports = await declaredPorts();
  await mkdir(LOGS, { recursive: true });
  const emulators = await startEmulators(EMULATOR_NAMES, (name) => {
    const file = createWriteStream(join(LOGS, `${name}.log`));
    return { port: ports[name], log: (line) => file.write(`${line}\n`) };
  });

  console.log('Emulators are up. A program finds them through its environment:\n');
  console.log(`  FIRESTORE_EMULATOR_HOST=${emulators.firestore.host}`);
  console.log(`  PUBSUB_EMULATOR_HOST=${emulators.pubsub.host}`);
  console.log(`  STORAGE_EMULATOR_HOST=http://${emulators.storage.host}`);
  console.log(`\nTheir output is in ${relative(process.cwd(), LOGS)}. Ctrl-C stops them.`);

  const ended = EMULATOR_NAMES.map(async (name) => {
    await emulators[name].exited;
    return `The ${name} emulator ended on its own: see ${relative(process.cwd(), LOGS)}/${name}.log.`;
  });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal));
  const fault = await Promise.race([...ended, ...signals.map((signal) => signal.then(() => ''))]);
  await emulators.stop();
  if (fault) throw new Error(fault);
  console.log('Emulators are stopped.');
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
