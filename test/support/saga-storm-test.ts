import { beforeAll, describe, expect, inject, test } from 'vitest';

import { SKU, STOCK, stormSagas } from './saga-storm.ts';
import type { EndedSaga, StormReport, StormSize } from './saga-storm.ts';
import { LEDGERS, SHIPPED } from './steps/saga.ts';

const EFFECTS = {
  completed: { reserve: 1, charge: 1, [SHIPPED]: 1 },
  compensated: { reserve: 1, charge: 1, refund: 1, release: 1 },
};

/** The storm's tests: all sagas published twice, a third of them undeliverable, workers killed throughout. */
export function describeSagaStorm(size: StormSize, timeout: number): void {
  describe(`${size.sagas} sagas, everything published twice, over ${size.kills} kills of their workers`, () => {
    let storm: StormReport;

    beforeAll(async () => {
      const hosts = { firestore: inject('firestoreHost'), pubsub: inject('pubsubHost') };
      storm = await stormSagas(hosts, size);
    }, timeout);

    test('the workers were killed that often, and steps under way among them', () => {
      expect(storm.kills).toBe(size.kills);
      const runs = storm.sagas.flatMap(({ operations }) => operations);
      expect(runs.filter(({ attempt }) => attempt > 1)).not.toEqual([]);
    });

    test('each saga ends completed, or compensated where it could not be shipped', () => {
      const ends = storm.sagas.map(({ orderId, workflow }) => [orderId, workflow?.status]);
      expect(ends).toEqual(storm.sagas.map((saga) => [saga.orderId, endOf(saga)]));
      for (const { workflow, undeliverable } of storm.sagas) {
        expect(workflow?.cause?.code).toBe(undeliverable ? 'undeliverable' : undefined);
      }
    });

    test('each effect is there once at the provider', () => {
      const { orders } = storm.balance;
      const expected = storm.sagas.map((saga) => [saga.orderId, EFFECTS[endOf(saga)]]);
      expect(Object.fromEntries(orders.map((order) => [order.orderId, order.effects]))).toEqual(
        Object.fromEntries(expected),
      );
    });

    test('stock and money balance to zero difference', () => {
      const sold = storm.sagas.filter((saga) => endOf(saga) === 'completed');
      const units = sum(sold.map(({ quantity }) => quantity));
      const [stock] = storm.balance.stock;
      expect(stock).toMatchObject({ sku: SKU, seeded: STOCK, available: STOCK - units });
      expect((stock?.reserved ?? 0) - (stock?.released ?? 0) - units).toBe(0);
      const { charged, refunded } = storm.balance.cents;
      expect(charged - refunded - sum(sold.map(({ amountCents }) => amountCents))).toBe(0);
      expect(charged).toBe(sum(storm.sagas.map(({ amountCents }) => amountCents)));
    });

    test('the ledger of each root tells all that happened, in logical order', () => {
      for (const saga of storm.sagas) {
        const told = saga.operations.map(({ action, status }) => `${action} ${status}`);
        expect(told).toEqual(LEDGERS[endOf(saga)]);
        const times = saga.operations.map(({ logicalTime }) => logicalTime);
        expect(times).toEqual(saga.operations.map((_, index) => index + 1));
      }
    });

    test('nothing is dead-lettered, and no sweep failed', () => {
      expect(storm.deadLetters).toBe(0);
      expect(storm.swept.failed).toBe(0);
    });
  });
}

function endOf({ undeliverable }: EndedSaga): 'completed' | 'compensated' {
  return undeliverable ? 'compensated' : 'completed';
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
