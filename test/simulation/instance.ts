import type { Clock } from '../../functions/src/ports/clock.ts';
import type { Owner } from './scheduler.ts';
import { LEASE_MS, LONG_LEASE_MS } from './leases.ts';
import type { World } from './world.ts';

/** One process from its start to its crash. What comes up in its place is another one. */
export interface Instance extends Owner {
  readonly name: string;
  readonly bornAt: number;
  /** How far its wall clock is off. */
  skewMs: number;
  /** Store time minus its monotonic clock, as learnt from answers. */
  storeAheadMs: number | undefined;
  /** Its clients' retries, never a crash: for what is no part of the product. */
  readonly mayCrash: boolean;
  readonly whenDead: Set<() => void>;
}

const HOUR_MS = 3_600_000;

export function createInstance(world: World, name: string, mayCrash = true): Instance {
  return {
    name,
    bornAt: world.scheduler.now(),
    skewMs: skew(world),
    storeAheadMs: undefined,
    mayCrash,
    whenDead: new Set(),
    dead: false,
    frozenUntil: 0,
  };
}

function skew({ faults, dice }: World): number {
  if (!faults.strikes('skewed_clock', 0.7)) return dice.between(-20, 20);
  return dice.pick([-HOUR_MS, HOUR_MS, dice.between(-HOUR_MS, HOUR_MS), dice.between(-9e3, 9e3)]);
}

export function crash(world: World, instance: Instance): void {
  if (instance.dead) return;
  instance.dead = true;
  world.trace.note(instance.name, 'crashes');
  for (const tell of instance.whenDead) tell();
}

export function freeze(world: World, instance: Instance): void {
  const { dice } = world;
  const ms = dice.chance(0.5)
    ? dice.between(500, 30_000)
    : dice.pick([LEASE_MS, LONG_LEASE_MS]) + dice.between(-3e3, 1e3);
  instance.frozenUntil = world.scheduler.now() + ms;
  world.trace.note(instance.name, `stands still for ${(ms / 1_000).toFixed(1)} s`);
}

/** The clock of one process: a wall clock that may be wrong, and timers that are never quite on time. */
export function instanceClock(world: World, instance: Instance): Clock {
  const { scheduler, dice } = world;
  return {
    now: () => world.now() + instance.skewMs,
    monotonic: () => scheduler.now() - instance.bornAt,
    after(ms, fn) {
      const timer = scheduler.after(ms + dice.between(-0.5, 3), instance, fn);
      return () => timer.cancel();
    },
  };
}

/** Some time of the process's own in which it may crash, or stand still. */
export function sleep(world: World, instance: Instance, ms: number): Promise<void> {
  return new Promise((resolve) => {
    world.scheduler.after(ms, instance, resolve);
  });
}
