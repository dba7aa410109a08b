import type { TimeBlock } from '../ports/logical-time.ts';
import { receive, tick } from '../token/lamport.ts';

/** An instance's logical time, for what it does outside a workflow. */
export interface LogicalClock {
  /** The time of a local event: later than every time before, of earlier processes too. */
  tick(): Promise<number>;
  /** The time of receiving a message that carries `received`: later than that, too. */
  receive(received: number): Promise<number>;
}

export interface LogicalClockOptions {
  /** The port's `reserveBlock`, for one namespace. */
  reserve(size: number, after: number): Promise<TimeBlock>;
  /** How many times one commit reserves. Default 1,000. */
  readonly blockSize?: number;
}

/** No run of honest ticks is so far ahead: a million a second for twelve days. */
const LONGEST_LEAP = 2 ** 40;

/**
 * A clock that writes nothing per tick: every time it gives lies below the end of a block that is
 * reserved in the store, so whoever starts later starts beyond it. Times lost by a crash are never used.
 *
 * Clocks that only tick never give the same time twice, since their blocks are apart. One that has
 * received a time beyond its block goes on from there, as Lamport says, and may give a time that
 * another gives too: order by (logical time, token), or name the instance beside its time.
 *
 * Both calls throw what `reserve` throws, and go on where they were when called again.
 */
export function createLogicalClock({
  reserve,
  blockSize = 1_000,
}: LogicalClockOptions): LogicalClock {
  if (!Number.isSafeInteger(blockSize) || blockSize < 1) {
    throw new RangeError(`A block holds a whole number of times from 1, not ${blockSize}.`);
  }
  let local = 0;
  /** Times below this are reserved. 0 until the first block. */
  let end = 0;
  let reserving: Promise<void> | undefined;

  async function extend(time: number, own: boolean): Promise<void> {
    const block = await reserve(blockSize, time - 1);
    // Where an earlier process got to is not known until the first block.
    if (own || end === 0) local = Math.max(local, block.from - 1);
    end = Math.max(end, block.to);
  }

  /** `next` is asked again after a wait, since others may have moved the clock meanwhile. */
  async function moveTo(next: () => number, own: boolean): Promise<number> {
    for (;;) {
      const time = next();
      if (time < end) {
        local = time;
        return time;
      }
      reserving ??= extend(time, own).finally(() => {
        reserving = undefined;
      });
      await reserving;
    }
  }

  return {
    tick: () => moveTo(() => tick(local), true),
    async receive(received) {
      if (received - local > LONGEST_LEAP) {
        throw new RangeError(
          `Logical time can't leap from ${local} to ${received}: some message carried a forged time. ` +
            'Refuse that message.',
        );
      }
      return moveTo(() => receive(local, received), false);
    },
  };
}
