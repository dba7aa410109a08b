import type { TestProject } from 'vitest/node';

import { startEmulators } from '../../scripts/emulators/start.ts';
import type { RunningEmulators } from '../../scripts/emulators/start.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** `host:port` of the Firestore emulator of this run. */
    firestoreHost: string;
    /** `host:port` of the Pub/Sub emulator of this run. */
    pubsubHost: string;
  }
}

interface Shared {
  readonly emulators: Promise<RunningEmulators<'firestore' | 'pubsub'>>;
  projects: number;
}

/*
 * Each project of a run evaluates this file anew, but all in one process: what they share hangs on it.
 */
const sharedScope: typeof globalThis & { agentOnceEmulators?: Shared } = globalThis;

/**
 * One Firestore and one Pub/Sub emulator for the whole run, on free ports, however many projects ask.
 * Tests keep apart by project ids and collections of their own.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Else Google's clients look for a metadata server, which a laptop has not, and warn.
  process.env['METADATA_SERVER_DETECTION'] = 'none';
  const shared = (sharedScope.agentOnceEmulators ??= {
    emulators: startEmulators(['firestore', 'pubsub'], () => ({
      jit: project.name === 'soak' ? 'full' : 'quick',
    })),
    projects: 0,
  });
  shared.projects += 1;
  const emulators = await shared.emulators;
  project.provide('firestoreHost', emulators.firestore.host);
  project.provide('pubsubHost', emulators.pubsub.host);
  return async () => {
    shared.projects -= 1;
    if (shared.projects > 0) return;
    delete sharedScope.agentOnceEmulators;
    await emulators.stop();
  };
}
