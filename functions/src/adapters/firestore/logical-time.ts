import type { Firestore } from '@google-cloud/firestore';
import { LOGICAL_TIME_COLLECTION } from '../../names.ts';
import { StoreAway } from '../../operation/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { LogicalTimeStore } from '../../ports/logical-time.ts';
import { backoffMs } from '../../workflow/backoff.ts';
import type { Backoff } from '../../workflow/backoff.ts';
import { refusedOrAway, rethrowAway } from './conditions.ts';

const MAX_ROUNDS = 30;
const BACKOFF: Backoff = { firstMs: 20, longestMs: 500 };

export interface FirestoreLogicalTimeOptions {
  readonly clock: Clock;
  /** From 0 to below 1; spreads instances that start at once. */
  random(): number;
  readonly collection?: string;
}

/**
 * Blocks of logical time from one counter document for each namespace: a read, and a commit that is
 * conditional on it. Instances that meet there wait and try again.
 */
export function firestoreLogicalTime(
  firestore: Firestore,
  { clock, random, collection = LOGICAL_TIME_COLLECTION }: FirestoreLogicalTimeOptions,
): LogicalTimeStore {
  const counters = firestore.collection(collection);

  return {
    async reserveBlock(namespace, size, after = 0) {
      const counter = counters.doc(namespace);
      for (let round = 1; round <= MAX_ROUNDS; round += 1) {
        const found = await counter.get().catch(rethrowAway);
        const from = Math.max(Number(found.get('reserved') ?? 1), after + 1);
        const to = from + size;
        const commit = found.updateTime
          ? counter.update({ reserved: to }, { lastUpdateTime: found.updateTime })
          : counter.create({ reserved: to });
        if ((await commit.catch(refusedOrAway)) !== 'refused') return { from, to };
        const ms = backoffMs(round, random(), BACKOFF);
        await new Promise<void>((resolve) => void clock.after(ms, resolve));
      }
      throw new StoreAway(
        `No block of logical time could be reserved for ${namespace} in ${MAX_ROUNDS} tries.`,
      );
    },

    close: () => firestore.terminate(),
  };
}
