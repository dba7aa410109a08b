import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { PubSub } from '@google-cloud/pubsub';
import { Storage } from '@google-cloud/storage';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { firestoreStore } from '../../functions/src/adapters/firestore/store.ts';
import { storageCold } from '../../functions/src/adapters/storage/cold.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import { exportArchive } from '../../functions/src/engine/export-archive.ts';
import { guardCall } from '../../functions/src/engine/once.ts';
import { keyToken } from '../../functions/src/token/token.ts';
import type { Token } from '../../functions/src/token/token.ts';
import { startBoundProcess } from '../../scripts/emulators/bound-process.ts';
import type { BoundProcess } from '../../scripts/emulators/bound-process.ts';
import { claimPort, LOOPBACK } from '../../scripts/emulators/ports.ts';
import { startStorageEmulator } from '../../scripts/emulators/storage-emulator.ts';
import { environment, NAMESPACE } from '../support/deployment.ts';
import { engineRuntime } from '../support/engine-runtime.ts';
import { emulatedFirestore } from '../support/firestore.ts';
import { seen } from '../support/seen.ts';

const INSTALL_MS = 5 * 60_000; // on first use the storage emulator's package is installed
const FRAMEWORK = createRequire(import.meta.url)
  .resolve('@google-cloud/functions-framework')
  .replace(/index\.js$/, 'main.js');
const MAIN = fileURLToPath(new URL('../../functions/src/main.ts', import.meta.url));
const TOPIC = 'archive-shards';
const SHARDS = 4;
const BRIEF = { name: 'brief', ttlMs: 1_000, capMs: 1_000, forgetMs: 90 * 86_400_000 };

const project = `demo-${randomUUID().slice(0, 8)}`;
const running: BoundProcess[] = [];
let storage: Storage;
let env: Record<string, string>;

beforeEach(async () => {
  const emulator = await startStorageEmulator({});
  running.push(emulator);
  storage = new Storage({ apiEndpoint: `http://${emulator.host}`, projectId: project });
  await storage.createBucket('archive');
  await storage.createBucket('blobs');
  const hosts = { firestore: inject('firestoreHost'), pubsub: inject('pubsubHost') };
  env = {
    ...environment(project, hosts),
    STORAGE_EMULATOR_HOST: `http://${emulator.host}`,
    SANDBOX_URL: 'http://127.0.0.1:1',
    AGENT_ONCE_SHARDS: String(SHARDS),
    AGENT_ONCE_ARCHIVE_BUCKET: 'archive',
    AGENT_ONCE_ARCHIVE_TOPIC: TOPIC,
  };
}, INSTALL_MS);

afterEach(() => Promise.all(running.splice(0).map((each) => each.stop())));

interface Line {
  readonly archived?: { readonly shard: number; readonly moved: number };
}

/** A function as it is deployed, in a process of its own. */
async function served(
  target: string,
): Promise<{ url: string; log: ReturnType<typeof seen<Line>> }> {
  const port = await claimPort(target, undefined);
  const log = seen<Line>();
  const bound = await startBoundProcess({
    title: target,
    command: process.execPath,
    args: [FRAMEWORK, `--source=${MAIN}`, `--target=${target}`, `--port=${port}`],
    env,
    host: `${LOOPBACK}:${port}`,
    log(line) {
      if (line.startsWith('{')) log.add(JSON.parse(line) as Line);
    },
  });
  running.push(bound);
  return { url: `http://${LOOPBACK}:${port}/`, log };
}

test('a tick has every shard archived, and late calls are answered from the bucket', async () => {
  const store = firestoreStore(emulatedFirestore(inject('firestoreHost'), project), systemClock, {
    shards: SHARDS,
  });
  const cold = storageCold(storage.bucket('archive'));
  let ran = 0;
  const asked = (key: string) =>
    guardCall(
      engineRuntime(store, { cold }),
      { namespace: NAMESPACE, action: 'a.b', params: {}, key, effect: 'pure', retention: BRIEF },
      () => ({ run: (ran += 1), key }),
    );
  const keys = Array.from({ length: 24 }, (_, index) => `order-${index}`);
  const answers = await Promise.all(keys.map(asked));

  const [tick, shard] = await Promise.all([served('archive-tick'), served('archive-shard')]);
  const pubsub = new PubSub({
    projectId: project,
    apiEndpoint: inject('pubsubHost'),
    emulatorMode: true,
  });
  const [topic] = await pubsub.createTopic(TOPIC);
  await topic.createSubscription('push', { pushConfig: { pushEndpoint: shard.url } });

  // A second has passed by far since they were settled.
  const response = await fetch(tick.url, { method: 'POST' });
  expect(await response.json()).toEqual({ shards: SHARDS });
  const shards = new Set<number>();
  await shard.log.first('every shard archived', ({ archived }) => {
    if (archived) shards.add(archived.shard);
    return shards.size === SHARDS;
  });

  for (const [index, key] of keys.entries()) {
    const token = keyToken(NAMESPACE, key);
    expect((await store.get(NAMESPACE, token))?.record.status).toBe('archived');
    expect(await asked(key)).toEqual({ ...answers[index], replayed: true });
  }
  expect(ran).toBe(keys.length);
  const exported: Token[] = [];
  for await (const line of exportArchive({ store }, cold, NAMESPACE)) exported.push(line.token);
  expect(exported.toSorted()).toEqual(keys.map((key) => keyToken(NAMESPACE, key)).toSorted());
  await Promise.all([store.close(), pubsub.close()]);
});
