import { randomUUID } from 'node:crypto';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import { DEFAULT_LIMITS } from '../../functions/src/engine/runtime.ts';
import type { Runtime } from '../../functions/src/engine/runtime.ts';
import type { FollowUp } from '../../functions/src/engine/step.ts';
import { makeTask } from '../../functions/src/engine/tasks.ts';
import { warmCache } from '../../functions/src/engine/warm-cache.ts';
import type { TaskDelivery, TaskMessage } from '../../functions/src/operation/task.ts';
import type { BlobStore } from '../../functions/src/ports/blob-store.ts';
import type { TokenStore } from '../../functions/src/ports/token-store.ts';
import type { Namespace } from '../../functions/src/token/token.ts';

const NAMESPACE = 'shop' as Namespace;

export interface MemoryBlobs {
  readonly blobs: BlobStore;
  names(): string[];
}

export function memoryBlobs(): MemoryBlobs {
  const held = new Map<string, Uint8Array>();
  return {
    blobs: {
      put: async (name, bytes) => void held.set(name, bytes),
      get: async (name) => held.get(name),
      delete: async (name) => void held.delete(name),
      async deleteUnder(folder) {
        for (const name of held.keys()) if (name.startsWith(folder)) held.delete(name);
      },
    },
    names: () => [...held.keys()],
  };
}

export interface TestRuntime extends Runtime {
  readonly published: TaskMessage[];
}

/** One instance over a store, with a cache of its own and the machine's clock; it logs nothing. */
export function engineRuntime(store: TokenStore, changes: Partial<Runtime> = {}): TestRuntime {
  const published: TaskMessage[] = [];
  return {
    store,
    blobs: memoryBlobs().blobs,
    publisher: {
      publish: async (tasks) => void published.push(...tasks),
      deadLetter: async () => {},
    },
    clock: systemClock,
    telemetry: { decision: () => {}, event: () => {} },
    cache: warmCache(systemClock),
    newClaimId: randomUUID,
    random: Math.random,
    limits: DEFAULT_LIMITS,
    ...changes,
    published,
  };
}

/** The first delivery of a task under the caller's key, or a later one of the same task. */
export function deliver(
  work: FollowUp,
  madeAt: number,
  { key = 'order-17', messageId = '1', redelivery = false } = {},
): TaskDelivery {
  const task = makeTask(work, { namespace: NAMESPACE, agent: 'shop', key }, Math.floor(madeAt));
  return { task, namespace: NAMESPACE, messageId, redelivery };
}
