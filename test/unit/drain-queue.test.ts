import { setImmediate as turn } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { embeddedQueue } from '../../functions/src/adapters/embedded/queue.ts';
import { drainQueue } from '../../functions/src/handlers/drain-queue.ts';
import type { Handled } from '../../functions/src/handlers/drain-queue.ts';
import { makeTask } from '../../functions/src/engine/tasks.ts';
import type { TaskMessage } from '../../functions/src/operation/task.ts';
import type { QueuedMessage, TaskQueue } from '../../functions/src/ports/task-queue.ts';
import { parseNamespace } from '../../functions/src/token/token.ts';
import { settableClock } from '../support/settable-clock.ts';
import type { SettableClock } from '../support/settable-clock.ts';

const ACK_DEADLINE_MS = 10_000;
const DONE: Handled = { status: 204 };

/** Moves a clock on in steps, and lets what each step sets going come to rest. */
async function pass(clock: SettableClock, ms: number, stepMs = 50): Promise<void> {
  await quiet();
  for (let passed = 0; passed < ms; passed += stepMs) {
    clock.advance(Math.min(stepMs, ms - passed));
    await quiet();
  }
}

/** Lets everything run that waits for no clock. */
async function quiet(): Promise<void> {
  for (let round = 0; round < 5; round += 1) await turn();
}

function task(key: string): TaskMessage {
  const namespace = parseNamespace('test')!;
  return makeTask({ action: 'a.b', params: {} }, { namespace, agent: 'a', key }, 1);
}

function draining(
  handle: (message: QueuedMessage) => Promise<Handled>,
  options: { readonly concurrency?: number; readonly wrap?: (queue: TaskQueue) => TaskQueue } = {},
) {
  const clock = settableClock();
  const queue = embeddedQueue(':memory:', clock);
  const stopping = new AbortController();
  const event = vi.fn();
  const drained = drainQueue({
    queue: options.wrap?.(queue) ?? queue,
    clock,
    telemetry: { decision() {}, event },
    handle,
    signal: stopping.signal,
    ackDeadlineMs: ACK_DEADLINE_MS,
    ...(options.concurrency !== undefined && { concurrency: options.concurrency }),
  });
  const stop = async (): Promise<void> => {
    stopping.abort();
    await drained;
  };
  const advance = (ms: number, stepMs?: number): Promise<void> => pass(clock, ms, stepMs);
  return { queue, advance, stop, stopping, drained, event };
}

test('a message that is handled is gone from the queue', async () => {
  const { queue, advance, stop } = draining(async () => DONE);
  await queue.publish([task('1'), task('2')]);
  await advance(1_000);
  expect(queue.nextVisibleAt()).toBeUndefined();
  await stop();
});

test('a message that is not done with comes again when the handler asked for it, not before', async () => {
  const deliveries: number[] = [];
  const { queue, advance, stop } = draining(async ({ delivery }) => {
    deliveries.push(delivery);
    return delivery === 1 ? { status: 429, retryAfterMs: 5_000 } : DONE;
  });
  await queue.publish([task('1')]);
  await advance(4_900);
  expect(deliveries).toEqual([1]);
  await advance(1_000);
  expect(deliveries).toEqual([1, 2]);
  expect(queue.nextVisibleAt()).toBeUndefined();
  await stop();
});

test('without a word on when, the pause before the next delivery doubles', async () => {
  const clock = settableClock();
  const queue = embeddedQueue(':memory:', clock);
  const at: number[] = [];
  const stopping = new AbortController();
  const drained = drainQueue({
    queue,
    clock,
    telemetry: { decision() {}, event() {} },
    handle: async () => {
      at.push(clock.now());
      return { status: 503 };
    },
    signal: stopping.signal,
    pollMs: 1,
  });
  await queue.publish([task('1')]);
  await pass(clock, 2_000, 1);
  const pauses = at.slice(1).map((each, index) => each - at[index]!);
  expect(pauses).toEqual([100, 200, 400, 800]);
  stopping.abort();
  await drained;
});

test('no more messages than allowed are handled at once, and each that ends makes room for one', async () => {
  const ends: (() => void)[] = [];
  const { queue, advance, stop } = draining(
    () => new Promise((resolve) => ends.push(() => resolve(DONE))),
    { concurrency: 2 },
  );
  await queue.publish([task('1'), task('2'), task('3')]);
  await advance(100);
  expect(ends).toHaveLength(2);
  ends[0]!();
  await advance(100);
  expect(ends).toHaveLength(3);
  for (const end of ends) end();
  await stop();
  expect(queue.nextVisibleAt()).toBeUndefined();
});

test('a message is kept from others while it is being handled, however long that takes', async () => {
  let deliveries = 0;
  const { promise: over, resolve: end } = Promise.withResolvers<Handled>();
  const { queue, advance, stop } = draining(async () => {
    deliveries += 1;
    return over;
  });
  await queue.publish([task('1')]);
  await advance(5 * ACK_DEADLINE_MS, ACK_DEADLINE_MS / 4);
  expect(deliveries).toBe(1);
  expect(queue.pull(ACK_DEADLINE_MS)).toBeUndefined();
  end(DONE);
  await stop();
  expect(queue.nextVisibleAt()).toBeUndefined();
});

test('stopping takes no new message and finishes the one in hand', async () => {
  const { promise: over, resolve: end } = Promise.withResolvers<Handled>();
  const handled: string[] = [];
  const { queue, advance, stopping, drained } = draining(async ({ id }) => {
    handled.push(id);
    return over;
  });
  await queue.publish([task('1')]);
  await advance(100);
  stopping.abort();
  await queue.publish([task('2')]);
  await advance(1_000);
  expect(handled).toHaveLength(1);
  end(DONE);
  await drained;
  expect(queue.pull(1)?.delivery).toBe(1);
});

test('a handler that throws costs one delivery, and the others go on', async () => {
  const seen: string[] = [];
  const { queue, advance, stop, event } = draining(async ({ id, delivery }) => {
    seen.push(id);
    if (delivery === 1 && seen.length === 1) throw new Error('out of memory');
    return DONE;
  });
  await queue.publish([task('1'), task('2')]);
  await advance(ACK_DEADLINE_MS + 1_000);
  expect(seen).toHaveLength(3);
  expect(queue.nextVisibleAt()).toBeUndefined();
  expect(event).toHaveBeenCalledExactlyOnceWith('WARNING', expect.any(String), {
    error: 'Error: out of memory',
  });
  await stop();
});

test('a queue that can’t be reached is asked again a second later', async () => {
  let failures = 2;
  let handled = 0;
  const { queue, advance, stop } = draining(
    async () => {
      handled += 1;
      return DONE;
    },
    {
      wrap: (real) => ({
        ...real,
        pull(ackDeadlineMs) {
          if (failures > 0) {
            failures -= 1;
            throw new Error('database is locked');
          }
          return real.pull(ackDeadlineMs);
        },
      }),
    },
  );
  await queue.publish([task('1')]);
  await advance(1_999);
  expect(handled).toBe(0);
  await advance(100);
  expect(handled).toBe(1);
  await stop();
});
