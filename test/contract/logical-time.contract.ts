import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLogicalClock } from '../../functions/src/engine/logical-time.ts';
import type { LogicalClock } from '../../functions/src/engine/logical-time.ts';
import type { LogicalTimeStore } from '../../functions/src/ports/logical-time.ts';
import type { Namespace } from '../../functions/src/token/token.ts';

export interface LogicalTimeBackend {
  readonly name: string;
  open(): Promise<LogicalTimeStore>;
}

const SHOP = 'shop' as Namespace;

/** What every store of logical time promises, whatever it is made of. */
export function logicalTimeContract(backend: LogicalTimeBackend): void {
  describe(`logical time: ${backend.name}`, () => {
    let store: LogicalTimeStore;
    let commits: number;

    beforeEach(async () => {
      store = await backend.open();
      commits = 0;
    });
    afterEach(() => store.close());

    /** As a process that has just started. */
    function startClock(blockSize = 100): LogicalClock {
      return createLogicalClock({
        blockSize,
        reserve(size, after) {
          commits += 1;
          return store.reserveBlock(SHOP, size, after);
        },
      });
    }

    test('fifty reservations at once get blocks apart', { timeout: 60_000 }, async () => {
      const asked = Array.from({ length: 50 }, () => store.reserveBlock(SHOP, 10));
      const blocks = (await Promise.all(asked)).toSorted((a, b) => a.from - b.from);
      expect(blocks).toEqual(
        blocks.map((_, index) => ({ from: 1 + index * 10, to: 11 + index * 10 })),
      );
    });

    test('a block is later than the time asked for, and than all blocks before', async () => {
      expect(await store.reserveBlock(SHOP, 10, 500)).toEqual({ from: 501, to: 511 });
      expect(await store.reserveBlock(SHOP, 5, 20)).toEqual({ from: 511, to: 516 });
      expect(await store.reserveBlock(SHOP, 5, 515)).toEqual({ from: 516, to: 521 });
      expect(await store.reserveBlock(SHOP, 5)).toEqual({ from: 521, to: 526 });
      expect(await store.reserveBlock(SHOP, 5, 900)).toEqual({ from: 901, to: 906 });
    });

    test('namespaces have times of their own', async () => {
      await store.reserveBlock(SHOP, 1_000);
      expect(await store.reserveBlock('bank' as Namespace, 10)).toEqual({ from: 1, to: 11 });
    });

    test('clocks of several instances never give one time twice, at a commit a block', async () => {
      const clocks = [startClock(), startClock(), startClock()];
      const times: number[] = [];
      for (let round = 0; round < 250; round += 1) {
        for (const clock of clocks) times.push(await clock.tick());
      }
      expect(new Set(times).size).toBe(750);
      expect(commits).toBe(9);
    });

    test('a process that starts again goes on beyond all times it has given', async () => {
      let last = 0;
      for (const received of [0, 40, 7_000, 3]) {
        const clock = startClock(50);
        const first = await clock.tick();
        expect(first).toBeGreaterThan(last);
        last = await clock.receive(received);
        expect(last).toBeGreaterThan(Math.max(first, received));
        for (let ticks = 0; ticks < 60; ticks += 1) last = await clock.tick();
      }
    });

    test('a process that receives before it ticks goes on beyond its predecessor, too', async () => {
      const before = startClock();
      const last = await before.receive(10);
      expect(await startClock().receive(3)).toBeGreaterThan(last);
    });
  });
}
