import type { Runtime } from '../engine/runtime.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { TaskPublisher } from '../ports/task-publisher.ts';
import type { TokenStore } from '../ports/token-store.ts';

/** A place where a process may die, or stand still: before or after a call, or in the step. */
export type CrashPoint = string;

/** What one process passes on its way, and where it ends. */
export interface Passage {
  /** Resolves where the process goes on; never, where it is dead. */
  pass(point: CrashPoint): Promise<void>;
  /** The points passed, each once: a second call of one kind is `before claim (2)`. */
  readonly points: readonly CrashPoint[];
  /** Resolves at the crash. */
  readonly crashed: Promise<void>;
  isDead(): boolean;
}

export function passage(crashAt?: CrashPoint): Passage {
  const points: CrashPoint[] = [];
  const met = new Map<CrashPoint, number>();
  const { promise: crashed, resolve: crash } = Promise.withResolvers<void>();
  let dead = false;
  return {
    points,
    crashed,
    isDead: () => dead,
    async pass(kind) {
      const times = (met.get(kind) ?? 0) + 1;
      met.set(kind, times);
      const point = times === 1 ? kind : `${kind} (${times})`;
      points.push(point);
      if (point === crashAt) {
        dead = true;
        crash();
      }
      if (dead) await new Promise<never>(() => {});
    },
  };
}

const STORE_CALLS = {
  claim: 'claim',
  start: 'start',
  renew: 'renew',
  complete: 'complete',
  fail: 'fail',
  release: 'release',
  giveBack: 'give back',
  doubt: 'park in doubt',
  markSent: 'mark sent',
  slide: 'slide',
} as const satisfies Partial<Record<keyof TokenStore, string>>;

const BLOB_CALLS = {
  put: 'put blob',
  get: 'get blob',
  delete: 'delete blob',
  deleteUnder: 'delete blobs',
} as const satisfies Record<keyof BlobStore, string>;

const PUBLISHER_CALLS = {
  publish: 'publish',
  deadLetter: 'dead-letter',
} as const satisfies Record<keyof TaskPublisher, string>;

/** The runtime of a process that may end at each of its calls, its timers with it. */
export function mortal(runtime: Runtime, passing: Passage): Runtime {
  const { clock } = runtime;
  return {
    ...runtime,
    store: watched(runtime.store, STORE_CALLS, passing),
    blobs: watched(runtime.blobs, BLOB_CALLS, passing),
    publisher: watched(runtime.publisher, PUBLISHER_CALLS, passing),
    clock: {
      ...clock,
      after: (ms, fn) =>
        clock.after(ms, () => {
          if (!passing.isDead()) fn();
        }),
    },
  };
}

type Call = (...args: readonly unknown[]) => Promise<unknown>;

function watched<Port extends object>(
  port: Port,
  calls: Readonly<Partial<Record<keyof Port, string>>>,
  passing: Passage,
): Port {
  const entries = Object.entries(calls) as [keyof Port, string][];
  const around = entries.map(([name, shown]) => {
    const call = port[name] as Call;
    const passingCall: Call = async (...args) => {
      await passing.pass(`before ${shown}`);
      const answer = await call(...args);
      await passing.pass(`after ${shown}`);
      return answer;
    };
    return [name, passingCall];
  });
  return { ...port, ...Object.fromEntries(around) } as Port;
}
