import { randomBytes } from 'node:crypto';
import type { z } from 'zod';
import { DEFAULT_LIMITS } from '../engine/runtime.ts';
import type { Runtime } from '../engine/runtime.ts';
import type { Step } from '../engine/step.ts';
import { makeTask } from '../engine/tasks.ts';
import type { TaskOrigin } from '../engine/tasks.ts';
import { warmCache } from '../engine/warm-cache.ts';
import type { TaskDelivery, TaskMessage } from '../operation/task.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeadLetterReason, RawMessage, TaskPublisher } from '../ports/task-publisher.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import type { TokenStore } from '../ports/token-store.ts';
import { createTokenStore } from '../store/token-store.ts';
import type { Namespace } from '../token/token.ts';
import { memoryDocuments } from './memory-documents.ts';
import { settableClock } from './settable-clock.ts';

const NAMESPACE = 'test' as Namespace;

/** A task for a step, as an agent would make it. Its key is `test` unless you give one. */
export function aTask<Schema extends z.ZodType, Result>(
  step: Step<Schema, Result>,
  params: z.input<Schema>,
  { madeAt = settableClock().now(), ...origin }: Partial<TaskOrigin> & { madeAt?: number } = {},
): TaskMessage {
  const defaults = { namespace: NAMESPACE, agent: 'test', key: 'test' };
  return makeTask(step.task(params), { ...defaults, ...origin }, madeAt);
}

/** A task's first delivery, unless you say otherwise. */
export function aDelivery(task: TaskMessage, rest: Partial<TaskDelivery> = {}): TaskDelivery {
  return { task, namespace: NAMESPACE, messageId: 'message-1', redelivery: false, ...rest };
}

/** A token store that lives as long as the test. Its time is the clock's. */
export function memoryStore(clock: Pick<Clock, 'now'>): TokenStore {
  return createTokenStore(memoryDocuments(() => clock.now()));
}

export function memoryBlobs(): BlobStore {
  const blobs = new Map<string, Uint8Array>();
  return {
    async put(name, bytes) {
      blobs.set(name, bytes);
    },
    get: async (name) => blobs.get(name),
    delete: async (name) => void blobs.delete(name),
    async deleteUnder(folder) {
      for (const name of blobs.keys()) if (name.startsWith(folder)) blobs.delete(name);
    },
  };
}

/** Keeps what is published, for the test to look at. */
export interface MemoryPublisher extends TaskPublisher {
  readonly published: readonly TaskMessage[];
  readonly deadLetters: readonly {
    readonly message: RawMessage;
    readonly reason: DeadLetterReason;
  }[];
}

export function memoryPublisher(): MemoryPublisher {
  const published: TaskMessage[] = [];
  const deadLetters: { message: RawMessage; reason: DeadLetterReason }[] = [];
  return {
    published,
    deadLetters,
    async publish(tasks) {
      published.push(...tasks);
    },
    async deadLetter(message, reason) {
      deadLetters.push({ message, reason });
    },
  };
}

const silent: Telemetry = { decision() {}, event() {} };

/** All that the engine needs, in memory and silent; give the parts that your test is about. */
export function aRuntime(parts: Partial<Runtime> = {}): Runtime {
  const { clock = settableClock() } = parts;
  return {
    store: memoryStore(clock),
    blobs: memoryBlobs(),
    publisher: memoryPublisher(),
    telemetry: silent,
    cache: warmCache(clock, { maxKnown: 1_000 }),
    newClaimId: () => randomBytes(16).toString('base64url'),
    random: () => 0,
    limits: DEFAULT_LIMITS,
    ...parts,
    clock,
  };
}
