import type { TaskMessage } from '../../functions/src/operation/task.ts';
import { operationTable } from '../../functions/src/testing/memory-documents.ts';
import type { OperationTable } from '../../functions/src/testing/memory-documents.ts';
import type { Namespace } from '../../functions/src/token/token.ts';
import { rollDice } from './dice.ts';
import type { Dice } from './dice.ts';
import { planFaults } from './faults.ts';
import type { Faults } from './faults.ts';
import type { Mutant } from './mutant.ts';
import { createProvider } from './provider.ts';
import type { Provider } from './provider.ts';
import { createQueue } from './queue.ts';
import type { Queue, Receiver } from './queue.ts';
import { createScheduler } from './scheduler.ts';
import type { Scheduler } from './scheduler.ts';
import { createTrace } from './trace.ts';
import type { Trace } from './trace.ts';
import { createWatch } from './watch.ts';
import type { Watch } from './watch.ts';

/** A boundary between two windows, so that twins can be made on its two sides. */
export const BOUNDARY = 5_700_000 * 300_000;
export const NAMESPACE = 'simulated' as Namespace;

/** All that exists in one run. */
export interface World {
  readonly dice: Dice;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly trace: Trace;
  readonly watch: Watch;
  readonly table: OperationTable;
  readonly provider: Provider;
  readonly queue: Queue;
  readonly blobs: Map<string, Uint8Array>;
  readonly mutant: Mutant;
  readonly outcomes: Map<string, number>;
  /** The processes that messages are pushed to, by slot; a crashed one stays until its slot has a new one. */
  readonly receivers: Receiver[];
  /** Deliveries that a living process is at work on. */
  atWork: number;
  /** Requests on their way to something outside. */
  inTransit: number;
  storeAwayUntil: number;
  /** The true time, which is the store's, in epoch milliseconds. */
  now(): number;
  /** A task's name in traces. */
  labelOf(task: TaskMessage): string;
}

export interface RunOptions {
  readonly seed: number;
  /** Nothing goes wrong after so many faults. */
  readonly faultLimit?: number;
  readonly traced?: boolean;
  readonly mutant?: Mutant;
}

export function createWorld({
  seed,
  faultLimit = Infinity,
  traced = false,
  mutant = { name: 'none', breaks: 'nothing' },
}: RunOptions): World {
  const dice = rollDice(seed);
  const scheduler = createScheduler(dice);
  const now = (): number => BOUNDARY + scheduler.now();
  const world = {
    dice,
    scheduler,
    now,
    mutant,
    faults: planFaults(dice, faultLimit),
    trace: createTrace(traced, scheduler.now),
    table: operationTable(now),
    blobs: new Map(),
    outcomes: new Map(),
    receivers: [],
    atWork: 0,
    inTransit: 0,
    storeAwayUntil: 0,
    labelOf: ({ params, action }: TaskMessage) =>
      (params as { label?: string } | undefined)?.label ?? action,
  } as unknown as { -readonly [Part in keyof World]: World[Part] };
  world.watch = createWatch(world);
  world.provider = createProvider(world);
  world.queue = createQueue(world);
  return world;
}
