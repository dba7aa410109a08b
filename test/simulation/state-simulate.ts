import { makeTask } from '../../functions/src/engine/tasks.ts';
import { sweep } from '../../functions/src/engine/sweep.ts';
import type { FaultKind } from './faults.ts';
import { haveWeather } from './simulate.ts';
import { keepReading } from './state-readers.ts';
import type { NoteParams } from './state-notes.ts';
import { ACTION, noteSteps } from './state-steps.ts';
import { judgeState } from './state-verdict.ts';
import { createStateWorld } from './state-world.ts';
import type { StateOptions, StateWorld } from './state-world.ts';
import { SHARDS } from './store.ts';
import type { TraceLine } from './trace.ts';
import { allSettled, judge } from './verdict.ts';
import type { Violation } from './watch.ts';
import { keepReceiving, keepSweeping, runtimeOf } from './worker.ts';
import type { Load } from './worker.ts';
import type { Expectation } from './workload.ts';
import { BOUNDARY, NAMESPACE } from './world.ts';

export interface StateRun {
  readonly violation: Violation | undefined;
  readonly trace: readonly TraceLine[];
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly injected: number;
  /** What befell entities and log, by kind. */
  readonly met: ReadonlyMap<string, number>;
  readonly events: number;
}

/** A fresh process may date its first claim an hour ahead, so that the sweep finds it an hour late. */
const PATIENCE_MS = 3 * 3_600_000;

/** One run of updates and appends, from its seed alone: faults for a while, then none until all is at rest. */
export async function simulateState(options: StateOptions): Promise<StateRun> {
  const world = createStateWorld(options);
  const { dice, scheduler, faults, watch, queue } = world;
  const faultsEndAt = dice.pick([15_000, 30_000]);
  const entities = dice.pick([['a'], ['a', 'b']]);
  const expectations = publishNotes(world, entities, 0.6 * faultsEndAt);
  const load = noting(world);
  const workers = dice.whole(2, 3);
  for (let slot = 0; slot < workers; slot += 1) keepReceiving(world, slot, load);
  keepSweeping(world, load);
  keepReading(world, entities);
  if (dice.chance(0.5)) keepReading(world, entities);
  haveWeather(world);
  keepSettingTheClock(world);

  const broken = (): boolean => watch.violation() !== undefined;
  await scheduler.runUntil(() => scheduler.now() > faultsEndAt || broken());
  faults.end();
  world.storeAwayUntil = 0;
  const giveUpAt = faultsEndAt + PATIENCE_MS;
  const atRest = (): boolean =>
    queue.open() === 0 && world.atWork === 0 && world.inTransit === 0 && allSettled(world);
  await scheduler.runUntil(() => atRest() || broken() || scheduler.now() > giveUpAt);
  if (!broken() && !atRest()) watch.broken('It never came to rest.');
  if (!broken()) judge(world, expectations);
  if (!broken()) await judgeState(world, entities);
  await Promise.all([world.state.close(), world.log.close(), world.times.close()]);

  return {
    violation: watch.violation(),
    trace: world.trace.lines(),
    faults: faults.counts,
    injected: faults.injected(),
    met: world.met,
    events: scheduler.count(),
  };
}

function noting(world: StateWorld): Load {
  return (instance) => {
    const runtime = runtimeOf(world, instance);
    return {
      runtime,
      steps: noteSteps(world, instance),
      async sweep() {
        for (let shard = 0; shard < SHARDS; shard += 1) {
          await sweep(runtime, { shard, namespace: NAMESPACE });
        }
      },
    };
  };
}

/** Tasks in bursts, so that they meet at their entity, each up to three times. */
function publishNotes(
  world: StateWorld,
  entities: readonly string[],
  spanMs: number,
): Expectation[] {
  const { dice, scheduler, queue } = world;
  const bursts = [dice.between(0, spanMs), dice.between(0, spanMs)];
  const count = dice.whole(4, 9);
  return Array.from({ length: count }, (_, index) => {
    const label = `n${index + 1}`;
    const request = { action: ACTION, params: paramsOf(world, label, entities) };
    const task = makeTask(request, { namespace: NAMESPACE, agent: 'maker', key: label }, BOUNDARY);
    const first = dice.chance(0.8) ? dice.pick(bursts) : dice.between(0, spanMs);
    const times = dice.pick([1, 1, 2, 3]);
    for (let time = 0; time < times; time += 1) {
      const ms = time === 0 ? first : dice.between(first, spanMs);
      scheduler.after(ms, undefined, () => queue.put(task));
    }
    return { labels: [label], operations: 1 };
  });
}

function paramsOf({ dice }: StateWorld, label: string, entities: readonly string[]): NoteParams {
  const notes = Array.from({ length: dice.pick([1, 1, 1, 2, 3]) }, (_, index) => ({
    id: `${label}/${index}`,
    entity: dice.pick(entities),
    amount: dice.whole(1, 1_000),
    ...(index === 0 && dice.chance(0.3) && { room: dice.whole(1, 5) }),
  }));
  const events = Array.from({ length: dice.whole(1, 3) }, () => dice.whole(1, 12));
  const mayFail = notes[0]?.room !== undefined;
  return {
    label,
    // As a provider that declines: it may fail for good.
    mood: mayFail ? 'declined' : 'well',
    next: [],
    notes: mayFail ? notes.slice(0, 1) : notes,
    events,
    clocked: dice.chance(0.4),
  };
}

/** The stores' machine has its clock set, ahead and back. */
function keepSettingTheClock(world: StateWorld): void {
  const { dice, faults, scheduler } = world;
  scheduler.after(dice.between(500, 8_000), undefined, () => {
    if (!faults.active()) return;
    if (faults.strikes('clock_jump', 0.5)) {
      world.storeSkewMs = dice.pick([0, dice.between(-10_000, 10_000), dice.between(-50, 50)]);
      world.timesSet += 1;
      world.meet('store clock set');
    }
    keepSettingTheClock(world);
  });
}
