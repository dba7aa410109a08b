import { afterEach, beforeEach } from 'vitest';
import { z } from 'zod';
import { defineEvents } from '../../functions/src/engine/define-events.ts';
import type { EventOf, NewEventOf } from '../../functions/src/engine/define-events.ts';
import type { EventsAt } from '../../functions/src/engine/event-log.ts';
import { StoreAway } from '../../functions/src/operation/errors.ts';
import type { EventLog } from '../../functions/src/ports/event-log.ts';
import { keyToken } from '../../functions/src/token/token.ts';
import type { Namespace, Token } from '../../functions/src/token/token.ts';
import type { LoggedEvent, Reducer, StoredEvent } from '../../functions/src/workflow/event.ts';
import { seededRandom } from '../support/seeded-random.ts';

export interface EventBackend {
  readonly name: string;
  /** How many different events the long replay takes in. */
  readonly longReplay: number;
  open(): Promise<EventLog>;
}

export const SHOP = 'shop' as Namespace;
export const ROOT = keyToken(SHOP, 'workflow-1');

export const orderEvents = defineEvents({
  Placed: z.object({ item: z.string() }),
  Counted: z.object({ number: z.number() }),
});
export type OrderEvents = typeof orderEvents;

export function tokenOf(key: string | number): Token {
  return keyToken(SHOP, `event-${key}`);
}

/** An event as the port takes it. */
export function logged(key: string | number, logicalTime: number, text = '{}'): LoggedEvent {
  return { type: 'Placed', schemaVersion: 1, text, token: tokenOf(key), logicalTime };
}

export function counted(number: number, logicalTime = number): NewEventOf<OrderEvents> {
  return { type: 'Counted', data: { number }, token: tokenOf(number), logicalTime };
}

export function countedUpTo(count: number): NewEventOf<OrderEvents>[] {
  return Array.from({ length: count }, (_, number) => counted(number));
}

/** Comes to another state for every other order, and for every event more or less. */
export const CHAIN: Reducer<{ count: number; chain: number }, EventOf<OrderEvents>> = {
  initial: { count: 0, chain: 17 },
  apply: ({ count, chain }, event) => ({
    count: count + 1,
    chain: (chain * 31 + (event.type === 'Counted' ? event.data.number : 1)) % 1_000_000_007,
  }),
};

export type AppendFate = 'answer lost' | 'request lost' | 'repeated';

/** A log that counts what it hands out, and loses what it is told to. */
export interface ObservedLog extends EventLog {
  /** Events handed out so far. */
  handedOut(): number;
  /** Befalls the next append. */
  befall(fate: AppendFate): void;
  /** Runs once, after the next page is read and before its reader sees it. */
  afterNextPage(work: () => Promise<unknown>): void;
  /** From now on every event is handed out twice, as a log that can't fold would. */
  stutter(): void;
  /** From now on snapshots can't be saved. */
  refuseSnapshots(): void;
}

function observed(log: EventLog): ObservedLog {
  const fates: AppendFate[] = [];
  let handedOut = 0;
  let afterPage: (() => Promise<unknown>) | undefined;
  let copies = 1;
  let snapshotsLost = false;
  return {
    ...log,
    handedOut: () => handedOut,
    befall: (fate) => void fates.push(fate),
    afterNextPage: (work) => void (afterPage = work),
    stutter: () => void (copies = 2),
    refuseSnapshots: () => void (snapshotsLost = true),
    async append(namespace, root, events) {
      const fate = fates.shift();
      if (fate === undefined) return log.append(namespace, root, events);
      if (fate !== 'request lost') await log.append(namespace, root, events);
      if (fate === 'repeated') return log.append(namespace, root, events);
      throw new StoreAway(`The ${fate.replace(' lost', '')} was lost on its way.`);
    },
    async read(namespace, root, page) {
      const read = await log.read(namespace, root, page);
      const work = afterPage;
      afterPage = undefined;
      await work?.();
      handedOut += read.events.length;
      return { ...read, events: read.events.flatMap((event) => times(copies, event)) };
    },
    async saveSnapshot(...snapshot) {
      if (snapshotsLost) throw new StoreAway('The snapshot was lost on its way.');
      return log.saveSnapshot(...snapshot);
    },
  };
}

function times<T>(count: number, value: T): T[] {
  return Array.from({ length: count }, () => value);
}

export interface EventBench {
  readonly log: ObservedLog;
  readonly at: EventsAt<OrderEvents>;
  /** Everything in the log, read in pages of `limit`. */
  readAll(limit?: number): Promise<StoredEvent[]>;
}

/** A fresh, empty log for each test of the block. */
export function eventBenchFor(backend: EventBackend): () => EventBench {
  let bench: EventBench | undefined;
  beforeEach(async () => {
    const log = observed(await backend.open());
    bench = {
      log,
      at: { log, events: orderEvents, namespace: SHOP, root: ROOT },
      async readAll(limit = 500) {
        const all: StoredEvent[] = [];
        let page = await log.read(SHOP, ROOT, { limit });
        all.push(...page.events);
        while (page.next) {
          page = await log.read(SHOP, ROOT, { limit, after: page.next });
          all.push(...page.events);
        }
        return all;
      },
    };
  });
  afterEach(async () => {
    await bench?.log.close();
    bench = undefined;
  });
  return () => {
    if (!bench) throw new Error('No test is running.');
    return bench;
  };
}

/** In an order of its own, the same for every run. */
export function shuffled<T>(values: readonly T[], seed = 5): T[] {
  const random = seededRandom(seed);
  return values
    .map((value) => ({ value, rank: random() }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ value }) => value);
}
