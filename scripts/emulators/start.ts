import type { BoundProcess } from './bound-process.ts';
import { startFirestoreEmulator, startPubsubEmulator } from './java-emulators.ts';
import type { JavaEmulatorOptions } from './java-emulators.ts';
import type { EmulatorName } from './ports.ts';
import { startStorageEmulator } from './storage-emulator.ts';

const START: Record<EmulatorName, (options: JavaEmulatorOptions) => Promise<BoundProcess>> = {
  firestore: startFirestoreEmulator,
  pubsub: startPubsubEmulator,
  storage: startStorageEmulator,
};

export type RunningEmulators<Name extends EmulatorName> = Readonly<Record<Name, BoundProcess>> & {
  stop(): Promise<void>;
};

/** Starts the named emulators side by side. If one can't start, none stays up and its error is thrown. */
export async function startEmulators<Name extends EmulatorName>(
  names: readonly Name[],
  options: (name: Name) => JavaEmulatorOptions,
): Promise<RunningEmulators<Name>> {
  const starts = await Promise.allSettled(names.map((name) => START[name](options(name))));
  const running = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((emulator) => emulator.stop()));
  };
  const failed = starts.find((start) => start.status === 'rejected');
  if (failed) {
    await stop();
    throw failed.reason;
  }
  const byName = Object.fromEntries(names.map((name, index) => [name, running[index]]));
  return { ...(byName as Record<Name, BoundProcess>), stop };
}
