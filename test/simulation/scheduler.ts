import type { Dice } from './dice.ts';

/** Whose continuation an event is: events of the dead never happen, those of the frozen happen later. */
export interface Owner {
  dead: boolean;
  frozenUntil: number;
}

export interface Scheduled {
  cancel(): void;
}

interface Entry {
  at: number;
  tie: number;
  readonly owner: Owner | undefined;
  run: (() => void) | undefined;
}

/** Virtual time: events happen one at a time, in the order of their instants and, among equals, the seed's. */
export interface Scheduler {
  /** Milliseconds since the beginning of the run. */
  now(): number;
  /** `owner`: on whose behalf; the network's own events have none. */
  after(ms: number, owner: Owner | undefined, run: () => void): Scheduled;
  /** Runs events until `done`; answers `false` where none is left before that. */
  runUntil(done: () => boolean): Promise<boolean>;
  /** How many events have happened. */
  count(): number;
}

export function createScheduler(dice: Dice): Scheduler {
  const heap: Entry[] = [];
  let now = 0;
  let count = 0;

  return {
    now: () => now,
    count: () => count,
    after(ms, owner, run) {
      const entry: Entry = { at: now + Math.max(0, ms), tie: dice.random(), owner, run };
      push(heap, entry);
      return {
        cancel() {
          entry.run = undefined;
        },
      };
    },
    async runUntil(done) {
      while (!done()) {
        const entry = pop(heap);
        if (!entry) return false;
        const { owner, run } = entry;
        if (!run || owner?.dead === true) continue;
        now = entry.at;
        if (owner && owner.frozenUntil > now) {
          entry.at = owner.frozenUntil;
          entry.tie = dice.random();
          push(heap, entry);
          continue;
        }
        count += 1;
        run();
        await microtasksDone();
      }
      return true;
    },
  };
}

/**
 * Resolves once no promise has a continuation left to run. Node takes the next tick only when its
 * microtask queue is empty, and a tick costs a tenth of `setImmediate`.
 */
function microtasksDone(): Promise<void> {
  return new Promise((resolve) => {
    process.nextTick(resolve);
  });
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.tie < b.tie);
}

function push(heap: Entry[], entry: Entry): void {
  let index = heap.length;
  heap.push(entry);
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent] as Entry;
    if (!before(entry, above)) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = entry;
}

function pop(heap: Entry[]): Entry | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (!top || !last || heap.length === 0) return top;
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    const left = heap[child];
    if (!left) break;
    const right = heap[child + 1];
    if (right && before(right, left)) child += 1;
    const least = heap[child] as Entry;
    if (!before(least, last)) break;
    heap[index] = least;
    index = child;
  }
  heap[index] = last;
  return top;
}
