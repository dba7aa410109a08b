import { gunzipSync } from 'node:zlib';
import { archiveShard } from '../../functions/src/engine/archive-shard.ts';
import { blobsOverCold } from '../../functions/src/engine/archive-blobs.ts';
import { exportArchive } from '../../functions/src/engine/export-archive.ts';
import { readCold } from '../../functions/src/engine/read-cold.ts';
import { restoreOperation } from '../../functions/src/engine/restore.ts';
import { sweep } from '../../functions/src/engine/sweep.ts';
import type {
  ArchivedRecord,
  OperationRecord,
  StoredOperation,
} from '../../functions/src/operation/record.ts';
import type { ColdStorage } from '../../functions/src/ports/cold-storage.ts';
import type { OperationDocuments } from '../../functions/src/ports/operation-documents.ts';
import type { BlobStore } from '../../functions/src/ports/blob-store.ts';
import { linesOf } from '../../functions/src/retention/archive-line.ts';
import { FORGET_AFTER_MS } from '../../functions/src/retention/classes.ts';
import { createTokenStore } from '../../functions/src/store/token-store.ts';
import type { Token } from '../../functions/src/token/token.ts';
import { nearCold, remoteCold } from './archive-cold.ts';
import type { Objects } from './archive-cold.ts';
import { createInstance } from './instance.ts';
import type { Instance } from './instance.ts';
import type { Mutant } from './mutant.ts';
import { keepOperating } from './operator.ts';
import { haveWeather } from './simulate.ts';
import type { Run } from './simulate.ts';
import { stepsFor } from './steps.ts';
import { SHARDS } from './store.ts';
import { allSettled, judge } from './verdict.ts';
import { keepReceiving, keepSweeping, runtimeOf } from './worker.ts';
import type { Load, Program } from './worker.ts';
import { publishWorkload } from './workload.ts';
import { createWorld, NAMESPACE } from './world.ts';
import type { RunOptions, World } from './world.ts';

export interface ArchiveMutant extends Mutant {
  cold?(cold: ColdStorage): ColdStorage;
}

export interface ArchiveRun extends Run {
  /** How many records were archived under way, among faults and duplicates. */
  readonly archived: number;
  /** How many duplicates were answered while their operation was archived. */
  readonly late: number;
}

type Options = RunOptions & { readonly mutant?: ArchiveMutant };

const PATIENCE_MS = 3 * 3_600_000;
/** So short that much is archived while its duplicates still come. */
const LIFE = { name: 'workflow', ttlMs: 3_000, capMs: 12_000, forgetMs: FORGET_AFTER_MS };

/** Single tasks, with archivers among the processes; at last everything is archived, looked at and restored. */
export async function simulateArchive(options: Options): Promise<ArchiveRun> {
  const world = createWorld(options);
  const { dice, scheduler, faults, queue } = world;
  const objects: Objects = new Map();
  const seen = watchStubs(world, objects);
  const load = archiving(world, objects, options.mutant);
  const faultsEndAt = dice.pick([60_000, 120_000]);
  const expectations = publishWorkload(world, 0.8 * faultsEndAt);
  for (let slot = 0; slot < 2; slot += 1) keepReceiving(world, slot, load);
  keepSweeping(world, load);
  keepArchiving(world, load, objects, options.mutant);
  if (dice.chance(0.5)) keepArchiving(world, load, objects, options.mutant);
  if (dice.chance(0.4)) keepOperating(world);
  haveWeather(world);

  const broken = (): boolean => world.watch.violation() !== undefined;
  await scheduler.runUntil(() => scheduler.now() > faultsEndAt || broken());
  faults.end();
  world.storeAwayUntil = 0;
  const giveUpAt = faultsEndAt + PATIENCE_MS;
  const atRest = (): boolean =>
    queue.open() === 0 && world.atWork === 0 && world.inTransit === 0 && allSettled(world);
  await scheduler.runUntil(() => atRest() || broken() || scheduler.now() > giveUpAt);
  if (!broken() && !atRest()) world.watch.broken('It never came to rest.');
  if (!broken()) await judgeArchive(world, objects, seen.results);
  if (!broken()) judge(world, expectations);

  const statuses = new Map<string, number>();
  for (const { record } of world.table.all()) {
    statuses.set(record.status, (statuses.get(record.status) ?? 0) + 1);
  }
  return {
    violation: world.watch.violation(),
    trace: world.trace.lines(),
    faults: faults.counts,
    injected: faults.injected(),
    outcomes: world.outcomes,
    statuses,
    events: scheduler.count(),
    archived: seen.archived(),
    late: seen.late(),
  };
}

function archiving(world: World, objects: Objects, mutant?: ArchiveMutant): Load {
  return (instance): Program => {
    const base = runtimeOf(world, instance);
    const cold = coldOf(world, instance, objects, mutant);
    const runtime = { ...base, cold, blobs: blobsOverCold(base.blobs, cold) };
    const all = stepsFor(world, instance);
    const brief = [...all].map(([action, step]) => [action, { ...step, retention: LIFE }] as const);
    const steps = Object.assign(new Map(brief), { workflows: all.workflows });
    return {
      runtime,
      steps,
      async sweep() {
        for (let shard = 0; shard < SHARDS; shard += 1) {
          await sweep(runtime, { shard, namespace: NAMESPACE });
        }
      },
    };
  };
}

function coldOf(world: World, instance: Instance, objects: Objects, mutant?: ArchiveMutant) {
  const cold = remoteCold(world, instance, objects);
  return mutant?.cold?.(cold) ?? cold;
}

/** A process that archives again and again, and another in its place after each crash. */
function keepArchiving(
  world: World,
  load: Load,
  objects: Objects,
  mutant?: ArchiveMutant,
  generation = 1,
): void {
  const { scheduler, dice } = world;
  const instance = createInstance(world, `archiver.${generation}`);
  const { runtime } = load(instance);
  const cold = coldOf(world, instance, objects, mutant);
  const everyMs = dice.pick([1_000, 6_000]);
  const lanes = dice.whole(1, 4);
  instance.whenDead.add(() => {
    scheduler.after(dice.between(100, 10_000), undefined, () =>
      keepArchiving(world, load, objects, mutant, generation + 1),
    );
  });
  async function round(): Promise<void> {
    for (let shard = 0; shard < SHARDS; shard += 1) {
      const options = { shard, until: Infinity, budgetMs: 60_000, lanes };
      await archiveShard(runtime, cold, options).catch(() => {});
    }
  }
  function later(): void {
    scheduler.after(everyMs + dice.between(0, everyMs), instance, () => void round().then(later));
  }
  later();
}

/** Remembers what each operation came to, and looks at every stub as it is written. */
function watchStubs(world: World, objects: Objects) {
  const results = new Map<Token, OperationRecord>();
  const { watch } = world;
  let archived = 0;
  let late = 0;
  (world as { watch: World['watch'] }).watch = {
    ...watch,
    wrote(instance, writer, before, after) {
      watch.wrote(instance, writer, before, after);
      const { record } = after;
      if (record.status === 'archived') {
        archived += 1;
        if (before && !isCopied(objects, record)) {
          watch.broken('A stub points to where its payload is not.');
        }
      } else {
        results.set(record.token, record);
      }
    },
    doneWith(instance, message, since) {
      watch.doneWith(instance, message, since);
      const records = [...world.table.all()].map(({ record }) => record);
      const stub = records.find(({ token }) => token === message.task.token);
      if (stub?.status === 'archived') late += 1;
    },
  };
  return { results, archived: () => archived, late: () => late };
}

function isCopied(objects: Objects, { pointer, token }: ArchivedRecord): boolean {
  const object = objects.get(pointer.object);
  const member = object?.bytes.subarray(pointer.offset, pointer.offset + pointer.length);
  return (
    member !== undefined &&
    linesOf(gunzipSync(member).toString()).some((line) => line.includes(token))
  );
}

/** With nothing going wrong any more: what is left is archived, answers, is exported once, and comes back. */
async function judgeArchive(
  world: World,
  objects: Objects,
  results: ReadonlyMap<Token, OperationRecord>,
): Promise<void> {
  const { table, watch } = world;
  const cold = nearCold(objects);
  const later = world.now() + 3_600_000;
  const documents: OperationDocuments = {
    name: 'near',
    now: () => later,
    create: async (...asked) => table.create(...asked),
    update: async (...asked) => table.update(...asked),
    read: async (...asked) => table.read(...asked),
    transact: async (...asked) => table.transact(...asked),
    select: async (...asked) => table.select(...asked),
    close: async () => {},
  };
  const store = createTokenStore(documents, { shards: SHARDS });
  const hot: BlobStore = {
    put: async (name, bytes) => void world.blobs.set(name, bytes),
    get: async (name) => world.blobs.get(name),
    delete: async (name) => void world.blobs.delete(name),
    async deleteUnder(folder) {
      for (const name of world.blobs.keys()) if (name.startsWith(folder)) world.blobs.delete(name);
    },
  };
  const telemetry = { decision() {}, event() {} };
  const clock = { now: () => later, monotonic: () => 0, after: () => () => {} };
  const near = { store, cold, blobs: blobsOverCold(hot, cold), clock, telemetry };
  for (let shard = 0; shard < SHARDS; shard += 1) {
    await archiveShard(near, cold, { shard, until: Infinity, budgetMs: Infinity });
  }

  const stubs = [...table.all()].filter(isStub);
  for (const { record } of stubs) {
    const before = results.get(record.token);
    const after = await readCold(near, record);
    if (before?.status !== after.status) watch.broken('It came to something else in cold storage.');
    if (before?.status === 'completed' && after.status === 'completed') {
      if (JSON.stringify(before.result) !== JSON.stringify(after.result)) {
        watch.broken('Its result is another one in cold storage.');
      }
      const { result } = after;
      if (result.kind === 'blob' && !(await near.blobs.get(result.name))) {
        watch.broken('Its large result is nowhere.');
      }
    }
  }
  const exported: Token[] = [];
  for await (const { token } of exportArchive({ store }, cold, NAMESPACE)) exported.push(token);
  const expected = stubs.map(({ record }) => record.token);
  if (exported.toSorted().join() !== expected.toSorted().join()) {
    watch.broken(`The export has ${exported.length} operations instead of ${expected.length}.`);
  }
  const by = { actor: 'judge', reason: 'to judge it' };
  for (const { record } of stubs) {
    await restoreOperation(near as never, NAMESPACE, record.token, by);
  }
}

function isStub(found: StoredOperation): found is StoredOperation<ArchivedRecord> {
  return found.record.status === 'archived';
}
