import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { startBoundProcess } from './bound-process.ts';
import type { BoundProcess } from './bound-process.ts';
import { javaCommand, sdkComponent } from './gcloud-sdk.ts';
import { LOOPBACK, claimPort } from './ports.ts';

export interface EmulatorOptions {
  /** A free one if absent. */
  readonly port?: number;
  /** Receives each line that the emulator prints. */
  readonly log?: (line: string) => void;
}

export interface JavaEmulatorOptions extends EmulatorOptions {
  /**
   * `quick` (the default) stops at the first compiler tier: ready sooner, and faster for the first ten
   * thousand calls or so; it holds some 100,000 documents. `full` is Java's own default: slower at first,
   * then faster, and with more memory, so for benchmarks and for long runs.
   */
  readonly jit?: 'quick' | 'full';
}

const QUICK_JVM = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx1g'];

/** The Firestore emulator of the gcloud SDK, ready to serve gRPC and REST on `host`. */
export async function startFirestoreEmulator(options: JavaEmulatorOptions): Promise<BoundProcess> {
  const title = 'Firestore emulator';
  const folder = await sdkComponent(title, 'cloud-firestore-emulator');
  return startJavaEmulator(title, options, [
    '-Duser.language=en', // its messages exist in English only
    '-cp',
    join(folder, 'cloud-firestore-emulator.jar'),
    await firestoreMainClass(folder),
  ]);
}

/** The Pub/Sub emulator of the gcloud SDK, ready to serve gRPC and REST on `host`. */
export async function startPubsubEmulator(options: JavaEmulatorOptions): Promise<BoundProcess> {
  const title = 'Pub/Sub emulator';
  const lib = join(await sdkComponent(title, 'pubsub-emulator'), 'lib');
  const jar = (await readdir(lib)).find((name) => /^cloud-pubsub-emulator-.*\.jar$/.test(name));
  if (!jar)
    throw new Error(`The ${title} is incomplete: ${lib} holds no cloud-pubsub-emulator jar.`);
  return startJavaEmulator(title, options, ['-jar', join(lib, jar)]);
}

async function startJavaEmulator(
  title: string,
  { port, log, jit = 'quick' }: JavaEmulatorOptions,
  program: readonly string[],
): Promise<BoundProcess> {
  const command = await javaCommand();
  const claimed = await claimPort(title, port);
  return startBoundProcess({
    title,
    command,
    args: [
      ...(jit === 'quick' ? QUICK_JVM : []),
      ...program,
      `--host=${LOOPBACK}`,
      `--port=${claimed}`,
    ],
    host: `${LOOPBACK}:${claimed}`,
    ...(log && { log }),
  });
}

/** The jar's manifest names no main class; the launcher script beside it does. */
async function firestoreMainClass(folder: string): Promise<string> {
  const launcher = join(folder, 'cloud_firestore_emulator');
  const name = /-cp\s+\S+\s+([\w.]+)/.exec(await readFile(launcher, 'utf8'))?.[1];
  if (!name) throw new Error(`No main class of the Firestore emulator is named in ${launcher}.`);
  return name;
}
