import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemClock } from './adapters/system/clock.ts';
import { jsonLinesTelemetry } from './adapters/system/telemetry.ts';
import type { CloudBackend, Config, EmbeddedBackend } from './config.ts';
import { DEFAULT_LIMITS } from './engine/runtime.ts';
import type { Runtime, RuntimeLimits } from './engine/runtime.ts';
import { warmCache } from './engine/warm-cache.ts';
import type { BlobStore } from './ports/blob-store.ts';
import type { Clock } from './ports/clock.ts';
import type { TaskPublisher } from './ports/task-publisher.ts';
import type { TaskQueue } from './ports/task-queue.ts';
import type { Telemetry } from './ports/telemetry.ts';
import type { TokenStore } from './ports/token-store.ts';

/** What takes the place of a port, or goes around it. */
export interface Overrides {
  readonly clock?: Clock;
  readonly telemetry?: Telemetry;
  readonly limits?: RuntimeLimits;
  store?(real: TokenStore): TokenStore;
  blobs?(real: BlobStore): BlobStore;
  publisher?(real: TaskPublisher): TaskPublisher;
}

export interface Composition {
  readonly runtime: Runtime;
  /** The queue to pull from, where nothing pushes: the embedded one. */
  readonly queue?: TaskQueue;
  close(): Promise<void>;
}

/** Builds what the engine reaches the world through. Loads only the adapters that the config asks for. */
export async function compose(config: Config, overrides: Overrides = {}): Promise<Composition> {
  const { clock = systemClock, limits = DEFAULT_LIMITS } = overrides;
  const { project } = config.backend;
  const telemetry =
    overrides.telemetry ?? jsonLinesTelemetry(project === undefined ? {} : { project });
  const adapters =
    config.backend.kind === 'cloud'
      ? await cloudAdapters(config.backend, config.shards, clock)
      : await embeddedAdapters(config.backend, config.shards, clock);
  const { store, blobs, publisher, queue } = adapters;
  const runtime: Runtime = {
    store: overrides.store?.(store) ?? store,
    blobs: overrides.blobs?.(blobs) ?? blobs,
    publisher: overrides.publisher?.(publisher) ?? publisher,
    clock,
    telemetry,
    cache: warmCache(clock),
    newClaimId: () => randomBytes(16).toString('base64url'),
    random: Math.random,
    limits,
  };
  return { runtime, ...(queue && { queue }), close: () => adapters.close() };
}

interface Adapters {
  readonly store: TokenStore;
  readonly blobs: BlobStore;
  readonly publisher: TaskPublisher;
  readonly queue?: TaskQueue;
  close(): Promise<void>;
}

async function cloudAdapters(
  { project, database, taskTopic, deadLetterTopic, blobBucket }: CloudBackend,
  shards: number,
  clock: Clock,
): Promise<Adapters> {
  const [{ Firestore }, { PubSub }, { Storage }] = await Promise.all([
    import('@google-cloud/firestore'),
    import('@google-cloud/pubsub'),
    import('@google-cloud/storage'),
  ]);
  const [{ firestoreStore }, { pubsubPublisher }, { storageBlobs }] = await Promise.all([
    import('./adapters/firestore/store.ts'),
    import('./adapters/pubsub/publisher.ts'),
    import('./adapters/storage/blobs.ts'),
  ]);
  const firestore = new Firestore({ projectId: project, databaseId: database });
  const pubsub = new PubSub({ projectId: project });
  const storage = new Storage({ projectId: project });
  const store = firestoreStore(firestore, clock, { shards });
  return {
    store,
    blobs: storageBlobs(storage.bucket(blobBucket)),
    publisher: pubsubPublisher(pubsub, { tasks: taskTopic, deadLetters: deadLetterTopic }),
    async close() {
      await Promise.all([store.close(), pubsub.close()]);
    },
  };
}

async function embeddedAdapters(
  { file }: EmbeddedBackend,
  shards: number,
  clock: Clock,
): Promise<Adapters> {
  const [{ embeddedStore }, { embeddedQueue }, { fileBlobs }] = await Promise.all([
    import('./adapters/embedded/store.ts'),
    import('./adapters/embedded/queue.ts'),
    import('./adapters/filesystem/blobs.ts'),
  ]);
  await mkdir(dirname(file), { recursive: true });
  const store = embeddedStore(file, clock, { shards });
  const queue = embeddedQueue(file, clock);
  return {
    store,
    blobs: fileBlobs(`${file}.blobs`),
    publisher: queue,
    queue,
    async close() {
      queue.close();
      await store.close();
    },
  };
}
