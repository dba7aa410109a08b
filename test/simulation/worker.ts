import { prepare } from '../../functions/src/engine/prepare.ts';
import { DEFAULT_LIMITS } from '../../functions/src/engine/runtime.ts';
import type { Runtime } from '../../functions/src/engine/runtime.ts';
import { runTask } from '../../functions/src/engine/run-task.ts';
import type { Steps } from '../../functions/src/engine/register-steps.ts';
import { sweep } from '../../functions/src/engine/sweep.ts';
import { CACHE_TTL_MS, warmCache } from '../../functions/src/engine/warm-cache.ts';
import type { WarmCache } from '../../functions/src/engine/warm-cache.ts';
import { PUBSUB_ANSWERS } from '../../functions/src/operation/outcome.ts';
import type { TaskMessage } from '../../functions/src/operation/task.ts';
import type { BlobStore } from '../../functions/src/ports/blob-store.ts';
import type { Telemetry } from '../../functions/src/ports/telemetry.ts';
import { createInstance, instanceClock } from './instance.ts';
import type { Instance } from './instance.ts';
import { remote } from './network.ts';
import type { Message, Receiver } from './queue.ts';
import { stepsFor } from './steps.ts';
import { remoteStore, SHARDS } from './store.ts';
import { NAMESPACE } from './world.ts';
import type { World } from './world.ts';

/** The real engine in one process, with nothing of it shared with another. */
export function runtimeOf(world: World, instance: Instance): Runtime {
  const { mutant, dice } = world;
  const clock = instanceClock(world, instance);
  const runtime: Runtime = {
    store: remoteStore(world, instance),
    blobs: blobsFor(world, instance),
    publisher: world.queue.publisherFor(instance),
    clock,
    telemetry: telemetryOf(world, instance),
    cache: watchedCache(world, instance, warmCache(clock, { maxKnown: 64 })),
    newClaimId: () => `c${dice.random()}`,
    random: dice.random,
    limits: DEFAULT_LIMITS,
  };
  return mutant.runtime?.(runtime) ?? runtime;
}

/** What a process is loaded with. */
export interface Program {
  readonly runtime: Runtime;
  readonly steps: Steps;
  /** One round over all shards. Throws where the store is away. */
  sweep(): Promise<unknown>;
}

/** Loads a fresh process. */
export type Load = (instance: Instance) => Program;

function singleTasks(world: World): Load {
  return (instance) => {
    const runtime = runtimeOf(world, instance);
    return {
      runtime,
      steps: stepsFor(world, instance),
      sweep: () => sweepShards(runtime),
    };
  };
}

/** A process that takes tasks, and another in its place a while after each crash. */
export function keepReceiving(
  world: World,
  slot: number,
  load = singleTasks(world),
  generation = 1,
): void {
  const instance = createInstance(world, `worker-${slot + 1}.${generation}`);
  world.receivers[slot] = receiver(world, instance, load(instance));
  instance.whenDead.add(() => {
    const after = world.dice.between(100, 10_000);
    world.scheduler.after(after, undefined, () => keepReceiving(world, slot, load, generation + 1));
  });
}

function receiver(world: World, instance: Instance, { runtime, steps }: Program): Receiver {
  let atWork = 0;
  instance.whenDead.add(() => {
    world.atWork -= atWork;
  });
  function count(change: 1 | -1): void {
    atWork += change;
    if (!instance.dead) world.atWork += change;
  }
  return {
    instance,
    async receive(message) {
      count(1);
      const since = world.now();
      const done = await handle(world, runtime, steps, message);
      if (done) world.watch.doneWith(instance, message, since);
      count(-1);
      return done;
    },
  };
}

/** What the push handler does: one engine call, its row in the outcome table, the dead letter. */
async function handle(
  { mutant, dice }: World,
  runtime: Runtime,
  steps: Steps,
  { id, task, deliveries }: Message,
): Promise<boolean> {
  const redelivery = deliveries > 1 && dice.chance(0.5);
  const outcome = await runTask(runtime, steps, {
    task,
    namespace: NAMESPACE,
    messageId: id,
    redelivery,
  });
  const answer = mutant.answers?.[outcome.kind] ?? PUBSUB_ANSWERS[outcome.kind];
  if (answer.deadLetter && 'faults' in outcome) {
    const raw = { id, data: new Uint8Array(), attributes: {} };
    try {
      await runtime.publisher.deadLetter(raw, { code: outcome.kind, faults: outcome.faults });
    } catch {
      return false;
    }
  }
  return answer.status < 300;
}

/** A process that sweeps again and again, and another in its place after each crash. */
export function keepSweeping(world: World, load = singleTasks(world), generation = 1): void {
  const { scheduler, dice } = world;
  const instance = createInstance(world, `sweeper.${generation}`);
  const program = load(instance);
  instance.whenDead.add(() => {
    scheduler.after(dice.between(100, 20_000), undefined, () =>
      keepSweeping(world, load, generation + 1),
    );
  });
  const everyMs = dice.pick([4_000, 20_000]);
  function later(): void {
    scheduler.after(everyMs + dice.between(0, everyMs), instance, () => {
      void program.sweep().catch(leaveForNext).then(later);
    });
  }
  later();
}

async function sweepShards(runtime: Runtime): Promise<void> {
  for (let shard = 0; shard < SHARDS; shard += 1) {
    await sweep(runtime, { shard, namespace: NAMESPACE }).catch(leaveForNext);
  }
}

/** The store is away: the next sweep finds what this one left. */
function leaveForNext(): void {}

/** Puts `cancelled` under a task's token before anyone claims it, as a workflow's compensation does. */
export async function cancelTask(
  world: World,
  instance: Instance,
  task: TaskMessage,
): Promise<void> {
  const runtime = runtimeOf(world, instance);
  const delivery = { task, namespace: NAMESPACE, messageId: 'cancel', redelivery: false };
  const prepared = await prepare(runtime, stepsFor(world, instance), delivery);
  if (prepared.kind === 'invalid') return;
  await runtime.store.cancel(prepared.request, 'not wanted any more').catch(() => {});
}

function blobsFor(world: World, instance: Instance): BlobStore {
  const { blobs } = world;
  return {
    put: (name, bytes) =>
      remote(world, instance, 'blobs', 'put', () => {
        blobs.set(name, bytes);
      }),
    get: (name) => remote(world, instance, 'blobs', 'get', () => blobs.get(name)),
    delete: (name) => remote(world, instance, 'blobs', 'delete', () => void blobs.delete(name)),
    deleteUnder: (folder) =>
      remote(world, instance, 'blobs', 'delete', () => {
        for (const name of blobs.keys()) if (name.startsWith(folder)) blobs.delete(name);
      }),
  };
}

function telemetryOf(world: World, instance: Instance): Telemetry {
  const { outcomes, trace } = world;
  return {
    decision({ outcome, attempt, messageId, milliseconds, error }) {
      if (instance.dead) return;
      const frozen = instance.frozenUntil > world.scheduler.now() - milliseconds;
      if (outcome === 'store_away' && attempt === 0 && milliseconds > 5_000 && !frozen) {
        world.watch.broken(`Without a claim it took ${milliseconds} ms to say so.`);
      }
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      if (!trace.kept) return;
      const message = world.queue.messages().find(({ id }) => id === messageId);
      trace.note(
        instance.name,
        `${messageId} → ${outcome}${attempt > 0 ? `, attempt ${attempt}` : ''}${error ? ` (${error.code})` : ''}`,
        message && world.labelOf(message.task),
      );
    },
    event(severity, message, fields) {
      if (trace.kept && severity !== 'INFO') {
        trace.note(instance.name, `${message} ${JSON.stringify(fields ?? {})}`);
      }
    },
  };
}

function watchedCache(world: World, instance: Instance, cache: WarmCache): WarmCache {
  const admittedAt = new Map<string, number>();
  return {
    ...cache,
    admit(operation) {
      admittedAt.set(operation.record.token, world.now());
      cache.admit(operation);
    },
    recall(namespace, token) {
      const found = cache.recall(namespace, token);
      if (!found) return undefined;
      world.watch.recalled(instance, found);
      if (world.now() - (admittedAt.get(token) ?? 0) > CACHE_TTL_MS) {
        world.watch.broken('The cache answered from more than its time ago.');
      }
      return found;
    },
  };
}
