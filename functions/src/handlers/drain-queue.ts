import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../ports/clock.ts';
import type { QueuedMessage, TaskQueue } from '../ports/task-queue.ts';
import type { Telemetry } from '../ports/telemetry.ts';

/** What became of a message, as a push subscription would be told. */
export interface Handled {
  /** 2xx: done with. Anything else: to be delivered again. */
  readonly status: number;
  readonly retryAfterMs?: number | undefined;
}

export interface DrainOptions {
  readonly queue: TaskQueue;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  handle(message: QueuedMessage): Promise<Handled>;
  /** Stops the pulling. What is being handled is finished first. */
  readonly signal: AbortSignal;
  /** How many messages are handled at once. Default 8. */
  readonly concurrency?: number;
  /**
   * How long a crashed process keeps its messages from others. Renewed at half time while a message is
   * being handled, so it need not cover the longest step. Default 10,000.
   */
  readonly ackDeadlineMs?: number;
  /** The longest pause before looking again: other processes publish without a sign. Default 50. */
  readonly pollMs?: number;
}

const AWAY_PAUSE_MS = 1_000;
const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 60_000;

/**
 * Feeds a pulled queue's messages to a handler, with the manners of a push subscription. Resolves once
 * the signal has aborted and every message in hand is settled. Waiting alone keeps no process alive.
 */
export async function drainQueue({
  queue,
  clock,
  telemetry,
  handle,
  signal,
  concurrency = 8,
  ackDeadlineMs = 10_000,
  pollMs = 50,
}: DrainOptions): Promise<void> {
  const inHand = new Set<Promise<void>>();
  let wake = (): void => {};

  while (!signal.aborted) {
    const taken = inHand.size < concurrency ? take() : 'full';
    if (typeof taken === 'object') {
      const settled = settle(taken).finally(() => {
        inHand.delete(settled);
        wake();
      });
      inHand.add(settled);
      await turn(); // a store in this process answers at once: without this no timer would ever fire
    } else {
      await pause(taken === 'full' ? undefined : pauseAfter(taken));
    }
  }
  await Promise.all(inHand);

  function take(): QueuedMessage | 'empty' | 'away' {
    try {
      return queue.pull(ackDeadlineMs) ?? 'empty';
    } catch (error) {
      report('The queue could not be pulled from', error);
      return 'away';
    }
  }

  function pauseAfter(looked: 'empty' | 'away'): number {
    if (looked === 'away') return AWAY_PAUSE_MS;
    try {
      const nextAt = queue.nextVisibleAt() ?? Infinity;
      return Math.max(1, Math.min(pollMs, nextAt - clock.now()));
    } catch {
      return AWAY_PAUSE_MS;
    }
  }

  /** Until the time is over, a message in hand is settled, or the signal aborts. */
  function pause(ms: number | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const goOn = (): void => resolve();
    wake = goOn;
    const cancel = ms === undefined ? () => {} : clock.after(ms, goOn);
    signal.addEventListener('abort', goOn, { once: true });
    return promise.finally(() => {
      cancel();
      signal.removeEventListener('abort', goOn);
    });
  }

  async function settle(message: QueuedMessage): Promise<void> {
    const release = keepHidden(message.id);
    try {
      const { status, retryAfterMs } = await handle(message);
      release();
      if (status >= 200 && status < 300) queue.acknowledge(message.id);
      else queue.giveBack(message.id, retryAfterMs ?? backoff(message.delivery));
    } catch (error) {
      report('A message was not settled; it comes again after its deadline', error);
    } finally {
      release();
    }
  }

  /** Renews the message's deadline at half time, as a client library does for its subscriber. */
  function keepHidden(id: string): () => void {
    let cancel = clock.after(ackDeadlineMs / 2, renew);
    return () => cancel();

    function renew(): void {
      cancel = clock.after(ackDeadlineMs / 2, renew);
      try {
        queue.giveBack(id, ackDeadlineMs);
      } catch (error) {
        report("A message's deadline was not renewed; it may come twice", error);
      }
    }
  }

  function report(what: string, error: unknown): void {
    telemetry.event('WARNING', what, { error: String(error) });
  }
}

function backoff(delivery: number): number {
  return Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (delivery - 1));
}
