import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';

import { Firestore } from '@google-cloud/firestore';
import { PubSub } from '@google-cloud/pubsub';
import { afterEach, expect, inject, test, vi } from 'vitest';

import { startBoundProcess } from '../../scripts/emulators/bound-process.ts';
import { startFirestoreEmulator } from '../../scripts/emulators/java-emulators.ts';
import { LOOPBACK, claimPort, declaredPorts } from '../../scripts/emulators/ports.ts';
import { startEmulators } from '../../scripts/emulators/start.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Resolves once nothing listens there. */
async function refusesConnections(host: string): Promise<boolean> {
  const [address, port] = host.split(':');
  const socket = connect(Number(port), address);
  return once(socket, 'connect').then(
    () => {
      socket.destroy();
      return false;
    },
    () => true,
  );
}

async function holdPort(): Promise<{ port: number; release(): Promise<void> }> {
  const server = createServer().listen(0, LOOPBACK);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    release: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

test('the Firestore emulator of the run keeps what is written', async () => {
  const firestore = new Firestore({
    projectId: 'demo-emulators',
    host: inject('firestoreHost'),
    ssl: false,
    customHeaders: { Authorization: 'Bearer owner' },
  });
  await firestore.doc('kept/one').create({ n: 1 });
  expect((await firestore.doc('kept/one').get()).data()).toEqual({ n: 1 });
  await firestore.terminate();
});

test('the Pub/Sub emulator of the run delivers what is published', async () => {
  vi.stubEnv('PUBSUB_EMULATOR_HOST', inject('pubsubHost'));
  const pubsub = new PubSub({ projectId: 'demo-emulators' });
  const [topic] = await pubsub.createTopic('tasks');
  const [subscription] = await topic.createSubscription('worker');
  const delivered = once(subscription, 'message') as Promise<[{ data: Buffer; ack(): void }]>;

  await topic.publishMessage({ json: { task: 'charge' } });

  const [message] = await delivered;
  message.ack();
  expect(JSON.parse(message.data.toString())).toEqual({ task: 'charge' });
  await subscription.close();
  await pubsub.close();
});

test('an emulator ends when the process that started it is killed', async () => {
  const module = new URL('../../scripts/emulators/java-emulators.ts', import.meta.url);
  const parent = spawn(process.execPath, [
    '--input-type=module',
    '--eval',
    `const { startPubsubEmulator } = await import(${JSON.stringify(module.href)});
     console.log((await startPubsubEmulator({})).host);`,
  ]);
  const [host] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
  const [address, port] = host.split(':');
  const witness = connect(Number(port), address);
  await once(witness, 'connect');
  witness.resume().on('error', () => {});

  parent.kill('SIGKILL');

  await once(witness, 'close');
  // A dying process's sockets are closed one after another.
  await expect.poll(() => refusesConnections(host), { timeout: 10_000 }).toBe(true);
});

test('a stopped process is gone, and stopping it again is harmless', async () => {
  const port = await claimPort('server', undefined);
  const server = await startBoundProcess({
    title: 'server',
    command: process.execPath,
    args: [
      '--eval',
      `require('http').createServer((_, r) => r.end()).listen(${port}, '127.0.0.1')`,
    ],
    host: `${LOOPBACK}:${port}`,
  });

  await server.stop();
  await server.stop();

  expect(() => process.kill(server.pid, 0)).toThrow('ESRCH');
});

test('a process that ends before it is ready is reported with what it printed', async () => {
  const start = startBoundProcess({
    title: 'storage emulator',
    command: process.execPath,
    args: ['--eval', `console.error('no room on the disk'); process.exit(3)`],
    host: `${LOOPBACK}:${await claimPort('storage emulator', undefined)}`,
  });

  await expect(start).rejects.toThrow(
    /^The storage emulator ended before it was ready.*no room on the disk$/s,
  );
});

test('a taken port is named in one line, and no emulator stays up', async () => {
  const held = await holdPort();
  const free = await claimPort('Pub/Sub emulator', undefined);

  const start = startEmulators(['firestore', 'pubsub'], (name) => ({
    port: name === 'firestore' ? held.port : free,
  }));

  await expect(start).rejects.toThrow(
    new RegExp(`^Port ${held.port} is taken, so the Firestore emulator can't listen there: .+$`),
  );
  expect(await refusesConnections(`${LOOPBACK}:${free}`)).toBe(true);
  await held.release();
});

test('without the gcloud SDK, one line says what to install', async () => {
  vi.stubEnv('PATH', '');
  vi.stubEnv('CLOUDSDK_ROOT_DIR', '');

  await expect(startFirestoreEmulator({})).rejects.toThrow(
    /^The Firestore emulator is not installed\..*apt-get install google-cloud-cli-firestore-emulator.*$/,
  );
});

test('a JAVA_HOME without Java is named in one line', async () => {
  vi.stubEnv('JAVA_HOME', '/nowhere');

  await expect(startFirestoreEmulator({})).rejects.toThrow(/^JAVA_HOME names no Java: .+$/);
});

test('each emulator has a port of its own in firebase.json', async () => {
  const ports = Object.values(await declaredPorts());
  expect(new Set(ports).size).toBe(3);
});
