import type { Client } from './client.ts';
import { ServiceProblem } from './problem.ts';
import type { Claimed } from './types.ts';

/** The lease ended, or someone else took the operation. Nothing may be sent or recorded any more. */
export class ClaimLost extends Error {
  override readonly name = 'ClaimLost';
  readonly code = 'claim_lost';
}

export interface Heartbeat {
  /** Aborts where the lease is lost. Look at it right before sending: it counts by the clock itself. */
  readonly signal: AbortSignal;
  /** Ends the beat, after the renewal under way; the handle for the claim's last call. */
  stop(): Promise<string>;
}

/**
 * Renews a claim at half its lease, counted from before it was asked for. Where no renewal is answered
 * before the lease ends, the signal aborts: another may hold the operation by then.
 */
export function keepAlive(
  client: Pick<Client, 'renew'>,
  claimed: Claimed,
  askedAt: number,
): Heartbeat {
  const controller = new AbortController();
  let { handle } = claimed;
  let leaseUntil = askedAt + claimed.leaseMs;
  let stopped = false;
  let beating: Promise<void> = Promise.resolve();
  let next: NodeJS.Timeout | undefined;
  let end = setTimeout(lapse, leaseUntil - performance.now());
  schedule();

  function schedule(): void {
    next = setTimeout(() => {
      beating = beat();
    }, claimed.leaseMs / 2);
  }

  function lapse(): void {
    controller.abort(new ClaimLost('The lease ran out before it was renewed.'));
  }

  async function beat(): Promise<void> {
    const sentAt = performance.now();
    try {
      const renewed = await client.renew(handle, controller.signal);
      handle = renewed.handle;
      leaseUntil = sentAt + claimed.leaseMs;
      clearTimeout(end);
      if (!stopped) end = setTimeout(lapse, leaseUntil - performance.now());
    } catch (error) {
      const lost = error instanceof ServiceProblem && error.problem.code === 'claim_lost';
      if (lost) controller.abort(new ClaimLost(error.problem.detail));
    }
    if (!stopped && !controller.signal.aborted) schedule();
  }

  return {
    signal: watchful(controller, () => performance.now() >= leaseUntil && !stopped && lapse()),
    async stop() {
      stopped = true;
      clearTimeout(next);
      clearTimeout(end);
      await beating;
      return handle;
    },
  };
}

/** Has the signal look at the clock whenever it is read: a frozen process misses its timers. */
function watchful({ signal }: AbortController, look: () => void): AbortSignal {
  const plain = Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted');
  const read = () => plain?.get?.call(signal) === true;
  function aborted(): boolean {
    if (!read()) look();
    return read();
  }
  Object.defineProperties(signal, {
    aborted: { get: aborted },
    throwIfAborted: {
      value: () => {
        if (aborted()) throw signal.reason;
      },
    },
  });
  return signal;
}
