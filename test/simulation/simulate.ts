import type { FaultKind } from './faults.ts';
import { keepOperating } from './operator.ts';
import type { TraceLine } from './trace.ts';
import { allSettled, judge } from './verdict.ts';
import type { Violation } from './watch.ts';
import { keepReceiving, keepSweeping } from './worker.ts';
import { publishWorkload } from './workload.ts';
import { createWorld } from './world.ts';
import type { RunOptions, World } from './world.ts';

export interface Run {
  readonly violation: Violation | undefined;
  readonly trace: readonly TraceLine[];
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly injected: number;
  readonly outcomes: ReadonlyMap<string, number>;
  /** How the operations ended, by status. */
  readonly statuses: ReadonlyMap<string, number>;
  readonly events: number;
}

/** A fresh process may date its first claim an hour ahead, so that the sweep finds it an hour late. */
const PATIENCE_MS = 3 * 3_600_000;

/** One run, from its seed alone: faults for a while, then none until all has come to rest. */
export async function simulate(options: RunOptions): Promise<Run> {
  const world = createWorld(options);
  const { dice, scheduler, faults, watch, queue } = world;
  const faultsEndAt = dice.pick([60_000, 120_000, 240_000]);
  const expectations = publishWorkload(world, 0.6 * faultsEndAt);
  const workers = dice.whole(2, 3);
  for (let slot = 0; slot < workers; slot += 1) keepReceiving(world, slot);
  keepSweeping(world);
  if (dice.chance(0.5)) keepSweeping(world);
  if (dice.chance(0.4)) keepOperating(world);
  haveWeather(world);

  await scheduler.runUntil(() => scheduler.now() > faultsEndAt || watch.violation() !== undefined);
  faults.end();
  world.storeAwayUntil = 0;
  const atRest = (): boolean =>
    queue.open() === 0 && world.atWork === 0 && world.inTransit === 0 && allSettled(world);
  const giveUpAt = faultsEndAt + PATIENCE_MS;
  await scheduler.runUntil(
    () => atRest() || watch.violation() !== undefined || scheduler.now() > giveUpAt,
  );
  if (!watch.violation() && !atRest()) watch.broken(`It never came to rest: ${unrest(world)}.`);
  if (!watch.violation()) judge(world, expectations);

  return {
    violation: watch.violation(),
    trace: world.trace.lines(),
    faults: faults.counts,
    injected: faults.injected(),
    outcomes: world.outcomes,
    statuses: statusesOf(world),
    events: scheduler.count(),
  };
}

/** What comes over everybody: the store is away for a while, a clock is set. */
export function haveWeather(world: World): void {
  const { dice, faults, scheduler } = world;
  if (!faults.active()) return;
  if (faults.strikes('store_away', 0.1)) {
    world.storeAwayUntil = scheduler.now() + dice.between(1_000, 15_000);
    world.trace.note('store', 'is away');
  }
  if (faults.strikes('clock_jump', 0.1)) {
    const { instance } = dice.pick(world.receivers);
    instance.skewMs = dice.between(-3_600_000, 3_600_000);
  }
  scheduler.after(10_000, undefined, () => haveWeather(world));
}

function unrest({ queue, table, atWork }: World): string {
  const open = queue.messages().filter(({ acknowledged }) => !acknowledged);
  const statuses = [...table.all()].map(({ record }) => record.status);
  return `${open.length} open messages, ${atWork} at work, records ${statuses.join(', ')}`;
}

function statusesOf({ table }: World): Map<string, number> {
  const statuses = new Map<string, number>();
  for (const { record } of table.all()) {
    statuses.set(record.status, (statuses.get(record.status) ?? 0) + 1);
  }
  return statuses;
}
