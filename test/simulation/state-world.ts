import { embeddedEvents } from '../../functions/src/adapters/embedded/events.ts';
import { embeddedLogicalTime } from '../../functions/src/adapters/embedded/logical-time.ts';
import { embeddedState } from '../../functions/src/adapters/embedded/state.ts';
import type { EventLog } from '../../functions/src/ports/event-log.ts';
import type { LogicalTimeStore } from '../../functions/src/ports/logical-time.ts';
import type { StateStore } from '../../functions/src/ports/state-store.ts';
import type { Instance } from './instance.ts';
import type { Mutant } from './mutant.ts';
import { createStateWatch } from './state-watch.ts';
import type { StateWatch } from './state-watch.ts';
import { createWorld } from './world.ts';
import type { RunOptions, World } from './world.ts';

export interface StateScene {
  readonly world: StateWorld;
  readonly instance: Instance;
}

/** A mutant that breaks a rule of versioned state, of the event log, or of logical time. */
export interface StateMutant extends Mutant {
  state?(store: StateStore, scene: StateScene): StateStore;
  log?(log: EventLog, scene: StateScene): EventLog;
  times?(store: LogicalTimeStore): LogicalTimeStore;
}

export interface StateOptions extends RunOptions {
  readonly mutant?: StateMutant;
}

/** A run over entities and a log: the same world, with the real embedded stores beside the operations. */
export interface StateWorld extends World {
  readonly mutant: StateMutant;
  readonly state: StateStore;
  readonly log: EventLog;
  readonly times: LogicalTimeStore;
  readonly noted: StateWatch;
  /** Logical times that processes were given. */
  readonly given: Set<number>;
  /** Whether clocks receive, else they only tick. */
  readonly receives: boolean;
  /** How many events the log hands out at most in one page. */
  readonly pageEvents: number;
  /** Whether the log hands some events out twice. */
  readonly stutters: boolean;
  /** How far the stores' clock is off: it is a machine's, and is set. */
  storeSkewMs: number;
  /** How often it was set. */
  timesSet: number;
  /** The stores' time, in epoch milliseconds. */
  storeNow(): number;
  readonly met: Map<string, number>;
  meet(kind: string): void;
}

export function createStateWorld(options: StateOptions): StateWorld {
  const plain = createWorld(options);
  const { dice } = plain;
  const met = new Map<string, number>();
  const clock = { now: () => world.storeNow(), monotonic: () => 0, after: () => () => {} };
  const world = Object.assign(plain, {
    state: embeddedState(':memory:', clock),
    log: embeddedEvents(':memory:', clock),
    times: embeddedLogicalTime(':memory:'),
    given: new Set<number>(),
    receives: dice.chance(0.5),
    pageEvents: dice.pick([2, 5, 300]),
    stutters: dice.chance(0.3),
    storeSkewMs: 0,
    timesSet: 0,
    storeNow: (): number => plain.now() + world.storeSkewMs,
    met,
    meet(kind: string) {
      met.set(kind, (met.get(kind) ?? 0) + 1);
    },
  }) as unknown as { -readonly [Part in keyof StateWorld]: StateWorld[Part] };
  world.noted = createStateWatch(world);
  return world;
}
