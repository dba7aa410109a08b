import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Firestore } from '@google-cloud/firestore';
import type { PubSub } from '@google-cloud/pubsub';
import { systemClock } from './adapters/system/clock.ts';
import { jsonLinesTelemetry } from './adapters/system/telemetry.ts';
import type { CloudBackend, EmbeddedBackend } from './config/backend.ts';
import type { Config } from './config.ts';
import { blobsOverCold } from './engine/archive-blobs.ts';
import { DEFAULT_LIMITS } from './engine/runtime.ts';
import type { Runtime, RuntimeLimits } from './engine/runtime.ts';
import { warmCache } from './engine/warm-cache.ts';
import type { AuditLog } from './ports/audit-log.ts';
import type { BlobStore } from './ports/blob-store.ts';
import type { Clock } from './ports/clock.ts';
import type { ColdStorage } from './ports/cold-storage.ts';
import type { DeadLetters } from './ports/dead-letters.ts';
import type { PublishedState } from './ports/published-state.ts';
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
  cold?(real: ColdStorage): ColdStorage;
  publisher?(real: TaskPublisher): TaskPublisher;
}

export interface Composition {
  readonly runtime: Runtime;
  /** The queue to pull from, where nothing pushes: the embedded one. */
  readonly queue?: TaskQueue;
  /** What was never run. The caller closes it. */
  deadLetters(): Promise<DeadLetters>;
  /** What people did about operations. The caller closes it. */
  auditLog(): Promise<AuditLog>;
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
  const { store, publisher, queue, publishedState } = adapters;
  const hotBlobs = overrides.blobs?.(adapters.blobs) ?? adapters.blobs;
  const cold = adapters.cold && (overrides.cold?.(adapters.cold) ?? adapters.cold);
  const runtime: Runtime = {
    store: overrides.store?.(store) ?? store,
    blobs: cold ? blobsOverCold(hotBlobs, cold) : hotBlobs,
    ...(cold && { cold }),
    publisher: overrides.publisher?.(publisher) ?? publisher,
    ...(publishedState && { publishedState }),
    clock,
    telemetry,
    cache: warmCache(clock),
    newClaimId: () => randomBytes(16).toString('base64url'),
    random: Math.random,
    limits,
  };
  return {
    runtime,
    ...(queue && { queue }),
    deadLetters: () => adapters.deadLetters(),
    auditLog: () => adapters.auditLog(),
    close: () => adapters.close(),
  };
}

interface Adapters {
  readonly store: TokenStore;
  readonly blobs: BlobStore;
  readonly cold?: ColdStorage;
  readonly publisher: TaskPublisher;
  readonly publishedState?: PublishedState;
  readonly queue?: TaskQueue;
  deadLetters(): Promise<DeadLetters>;
  auditLog(): Promise<AuditLog>;
  close(): Promise<void>;
}

async function cloudAdapters(
  backend: CloudBackend,
  shards: number,
  clock: Clock,
): Promise<Adapters> {
  const { project, database, taskTopic, deadLetterTopic, blobBucket, archiveBucket } = backend;
  const [{ PubSub }, { Storage }] = await Promise.all([
    import('@google-cloud/pubsub'),
    import('@google-cloud/storage'),
  ]);
  const [
    { connectFirestore },
    { firestoreStore },
    { pubsubPublisher },
    { storageBlobs },
    { storageCold },
  ] = await Promise.all([
    import('./adapters/firestore/connect.ts'),
    import('./adapters/firestore/store.ts'),
    import('./adapters/pubsub/publisher.ts'),
    import('./adapters/storage/blobs.ts'),
    import('./adapters/storage/cold.ts'),
  ]);
  const firestore = connectFirestore({ projectId: project, databaseId: database });
  const pubsub = new PubSub({ projectId: project });
  const storage = new Storage({ projectId: project });
  const { stateHistoryTopic } = backend;
  const topics = { tasks: taskTopic, deadLetters: deadLetterTopic };
  const store = firestoreStore(firestore, clock, { shards });
  return {
    store,
    blobs: storageBlobs(storage.bucket(blobBucket)),
    ...(archiveBucket !== undefined && {
      cold: storageCold(storage.bucket(archiveBucket), storage.bucket(blobBucket)),
    }),
    publisher: pubsubPublisher(pubsub, topics),
    async deadLetters() {
      const { pubsubDeadLetters } = await import('./adapters/pubsub/dead-letters.ts');
      return pubsubDeadLetters(pubsub, topics);
    },
    async auditLog() {
      const { firestoreAuditLog } = await import('./adapters/firestore/audit-log.ts');
      // Its client is the store's, which is closed with that.
      return { ...firestoreAuditLog(firestore.firestore), close: async () => {} };
    },
    ...(stateHistoryTopic !== undefined && {
      publishedState: await publishedState(firestore.firestore, pubsub, stateHistoryTopic),
    }),
    async close() {
      await Promise.all([store.close(), pubsub.close()]);
    },
  };
}

async function publishedState(
  firestore: Firestore,
  pubsub: PubSub,
  topic: string,
): Promise<PublishedState> {
  const [{ firestoreState }, { pubsubVersions }] = await Promise.all([
    import('./adapters/firestore/state.ts'),
    import('./adapters/pubsub/version-publisher.ts'),
  ]);
  return {
    owed: firestoreState(firestore, { published: true }),
    publisher: pubsubVersions(pubsub, topic),
  };
}

async function embeddedAdapters(
  { file }: EmbeddedBackend,
  shards: number,
  clock: Clock,
): Promise<Adapters> {
  const [{ embeddedStore }, { embeddedQueue }, { fileBlobs }, { fileCold }] = await Promise.all([
    import('./adapters/embedded/store.ts'),
    import('./adapters/embedded/queue.ts'),
    import('./adapters/filesystem/blobs.ts'),
    import('./adapters/filesystem/cold.ts'),
  ]);
  await mkdir(dirname(file), { recursive: true });
  const store = embeddedStore(file, clock, { shards });
  const queue = embeddedQueue(file, clock);
  return {
    store,
    blobs: fileBlobs(`${file}.blobs`),
    cold: fileCold(`${file}.cold`),
    publisher: queue,
    queue,
    deadLetters: async () => queue.kept,
    async auditLog() {
      const { embeddedAuditLog } = await import('./adapters/embedded/audit-log.ts');
      return embeddedAuditLog(file);
    },
    async close() {
      queue.close();
      await store.close();
    },
  };
}
