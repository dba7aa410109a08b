import { describe, expect, test } from 'vitest';
import { createLogicalClock } from '../../functions/src/engine/logical-time.ts';
import type { LogicalClock } from '../../functions/src/engine/logical-time.ts';
import { StoreAway } from '../../functions/src/operation/errors.ts';
import type { TimeBlock } from '../../functions/src/ports/logical-time.ts';
import { seededRandom } from '../support/seeded-random.ts';

interface Counter {
  reserve(size: number, after: number): Promise<TimeBlock>;
  commits(): number;
  /** The next reservation fails: `before` or `after` it is made. */
  failNext(when: 'before' | 'after'): void;
}

/** As the port has it, and answering only after others had their turn. */
function counter(): Counter {
  let reserved = 1;
  let commits = 0;
  let failing: 'before' | 'after' | undefined;
  return {
    async reserve(size, after) {
      const fails = failing;
      failing = undefined;
      await Promise.resolve();
      commits += 1;
      if (fails !== 'before') reserved = Math.max(reserved, after + 1) + size;
      if (fails) throw new StoreAway('No answer.');
      return { from: reserved - size, to: reserved };
    },
    commits: () => commits,
    failNext: (when) => void (failing = when),
  };
}

describe('a logical clock', () => {
  test('ticks asked for at once all differ, and share one reservation', async () => {
    const { reserve, commits } = counter();
    const clock = createLogicalClock({ reserve, blockSize: 50 });
    const times = await Promise.all(Array.from({ length: 50 }, () => clock.tick()));
    expect(times).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
    expect(commits()).toBe(1);
  });

  test('a received time below its own costs no commit', async () => {
    const { reserve, commits } = counter();
    const clock = createLogicalClock({ reserve });
    expect(await clock.tick()).toBe(1);
    expect(await clock.receive(400)).toBe(401);
    expect(await clock.receive(3)).toBe(402);
    expect(await clock.tick()).toBe(403);
    expect(commits()).toBe(1);
  });

  test('a received time beyond its block is merged as it is, not rounded up to a block', async () => {
    const { reserve } = counter();
    const [left, right] = [1, 2].map(() => createLogicalClock({ reserve })) as [
      LogicalClock,
      LogicalClock,
    ];
    await left.tick();
    const sent = await right.tick();
    expect(sent).toBe(1_001);
    expect(await left.receive(sent)).toBe(1_002);
    expect(await left.tick()).toBe(1_003);
  });

  test('a received time far beyond all blocks costs one commit', async () => {
    const { reserve, commits } = counter();
    const clock = createLogicalClock({ reserve });
    await clock.tick();
    expect(await clock.receive(50_000)).toBe(50_001);
    expect(await clock.tick()).toBe(50_002);
    expect(commits()).toBe(2);
  });

  test('instances that answer each other all day reserve a block each for a block of time', async () => {
    const { reserve, commits } = counter();
    const clocks = Array.from({ length: 5 }, () => createLogicalClock({ reserve }));
    const random = seededRandom(11);
    let latest = 0;
    for (let message = 0; message < 20_000; message += 1) {
      const [from, to] = [0, 0].map(() => clocks[Math.floor(random() * 5)]!);
      latest = Math.max(latest, await to!.receive(await from!.tick()));
    }
    const blocks = Math.ceil(latest / 1_000);
    expect(latest).toBeGreaterThan(10_000);
    expect(commits()).toBeLessThanOrEqual(5 * (blocks + 1));
  });

  test('whatever a message caused is later than it, through every crash', async () => {
    const { reserve } = counter();
    const start = () => createLogicalClock({ reserve, blockSize: 7 });
    const instances = Array.from({ length: 4 }, () => ({ clock: start(), last: 0 }));
    const random = seededRandom(23);
    const any = () => instances[Math.floor(random() * 4)]!;
    for (let event = 0; event < 5_000; event += 1) {
      const [sender, receiver] = [any(), any()];
      if (random() < 0.05) receiver.clock = start();
      const sent = await sender.clock.tick();
      expect(sent).toBeGreaterThan(sender.last);
      sender.last = sent;
      const received = await receiver.clock.receive(sent);
      expect(received).toBeGreaterThan(Math.max(sent, receiver.last));
      receiver.last = received;
    }
  });

  test.each(['before', 'after'] as const)(
    'a reservation that fails %s it is made is told, and the next call goes on',
    async (when) => {
      const { reserve, failNext } = counter();
      const clock = createLogicalClock({ reserve, blockSize: 2 });
      expect([await clock.tick(), await clock.tick()]).toEqual([1, 2]);
      failNext(when);
      const failed = await Promise.allSettled([clock.tick(), clock.tick()]);
      expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
      expect(await clock.tick()).toBe(when === 'before' ? 3 : 5);
    },
  );

  test('a forged time is refused, and nothing is reserved for it', async () => {
    const { reserve, commits } = counter();
    const clock = createLogicalClock({ reserve });
    await clock.tick();
    await expect(clock.receive(Number.MAX_SAFE_INTEGER - 5)).rejects.toThrow(/forged/);
    await expect(clock.receive(-1)).rejects.toThrow('The received logical time');
    expect(await clock.tick()).toBe(2);
    expect(commits()).toBe(1);
  });

  test.each([0, 1.5, Number.NaN])('a block of %d times is refused', (blockSize) => {
    expect(() => createLogicalClock({ reserve: counter().reserve, blockSize })).toThrow(RangeError);
  });
});
