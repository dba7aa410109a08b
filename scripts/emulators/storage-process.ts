/*
 * Run as a process of its own: node storage-process.ts <folder of firebase-tools> <port>
 *
 * Serves the storage emulator's application without starting the emulator: starting it would download
 * and run the security rules' runtime, which no administrator's request needs.
 */
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { LOOPBACK } from './ports.ts';
import { storageFront } from './storage-front.ts';
import type { StorageLayer } from './storage-front.ts';

interface StorageEmulator {
  readonly adminStorageLayer: StorageLayer;
}

interface FirebaseTools {
  readonly StorageEmulator: new (args: object) => StorageEmulator;
  readonly EmulatorRegistry: { set(name: 'storage', emulator: StorageEmulator): void };
  createApp(projectId: string, emulator: StorageEmulator): Promise<RequestListener>;
}

const PROJECT = 'demo-agent-once';

const [folder = '', port = ''] = process.argv.slice(2);
const load = createRequire(join(folder, 'package.json'));
const tools: FirebaseTools = {
  ...load('./lib/emulator/storage/index.js'),
  ...load('./lib/emulator/storage/server.js'),
  ...load('./lib/emulator/registry.js'),
};

const emulator = new tools.StorageEmulator({
  projectId: PROJECT,
  host: LOOPBACK,
  port: Number(port),
  rules: [],
});
tools.EmulatorRegistry.set('storage', emulator); // where it looks up its own address, for links
const app = await tools.createApp(PROJECT, emulator);
createServer(storageFront(app, emulator.adminStorageLayer)).listen(Number(port), LOOPBACK);
