import { LeaseLost, StepTimeout } from '../operation/errors.ts';
import type { Claim, HeldAnswer } from '../ports/token-store.ts';
import type { Runtime } from './runtime.ts';
import { hasAborted, makeWatchful } from './watchful-signal.ts';
import { within } from './within.ts';

/** A held claim: kept alive at half its length, counted down on the monotonic clock. */
export interface Lease {
  /** Whose claim it is. */
  readonly owner: Pick<Claim, 'namespace' | 'token' | 'claimId'>;
  readonly signal: AbortSignal;
  readonly attempt: number;
  /** The strictest that the operation was ever declared with. */
  readonly effect: Claim['effect'];
  /** What the effect is known by at the provider, if anything is recorded. */
  trackingId(): string | undefined;
  /** Whether the effect may have been sent, under this claim or an earlier one. */
  started(): boolean;
  /** Whether the store, when it was last told that the effect is to be sent, gave no answer. */
  startUnanswered(): boolean;
  /** The provider said that what was started never happened. */
  cleared(): void;
  start(trackingId: string): Promise<string>;
  /** The claim's last write, after all others. Ends the heartbeat. */
  settle<T>(write: (claim: Claim) => Promise<T>): Promise<T>;
  /** Aborts the signal: what a step left running behind its result must not send any more. */
  end(): void;
}

/**
 * Holds a claim from the instant before it was asked for. Its writes are serialised, since each one
 * is conditional on the one before.
 */
export function holdLease(runtime: Runtime, won: Claim, askedAt: number, timeoutMs: number): Lease {
  const { store, clock, telemetry, limits } = runtime;
  const controller = new AbortController();
  const { signal } = controller;
  const timeUpAt = askedAt + timeoutMs;
  let claim = won;
  let started = won.started;
  let startUnanswered = false;
  let leaseUntil = askedAt + won.leaseMs;
  let lastWrite: Promise<unknown> = Promise.resolve();
  let ended = false;
  const timers = new Set<() => void>();

  /** Aborts the step where its time is up by the clock at this instant. */
  function look(): void {
    if (ended || hasAborted(signal)) return;
    const now = clock.monotonic();
    if (now >= leaseUntil)
      controller.abort(new LeaseLost('The lease ran out before it was renewed.'));
    else if (now >= timeUpAt)
      controller.abort(new StepTimeout(`The step ran over ${timeoutMs} ms.`));
  }

  function watch(): void {
    look();
    if (ended || hasAborted(signal)) return;
    later(Math.min(leaseUntil, timeUpAt) - clock.monotonic(), watch);
  }

  function later(ms: number, fn: () => void): void {
    const cancel = clock.after(ms, () => {
      timers.delete(cancel);
      fn();
    });
    timers.add(cancel);
  }

  function beat(): void {
    if (ended || hasAborted(signal)) return;
    later(won.leaseMs / 2, beat);
    hold((held) => store.renew(held)).catch((error: unknown) => {
      telemetry.event('WARNING', 'A lease could not be renewed', { error: String(error) });
    });
  }

  /** One write that keeps the claim; a lost claim aborts the step. */
  async function hold(write: (held: Claim) => Promise<HeldAnswer>): Promise<void> {
    const mine = lastWrite.then(async () => {
      signal.throwIfAborted();
      const sentAt = clock.monotonic();
      const answer = await write(claim);
      if (answer.kind === 'lost') {
        const lost = new LeaseLost('Someone else holds the token now.');
        controller.abort(lost);
        throw lost;
      }
      claim = answer.claim;
      leaseUntil = sentAt + won.leaseMs;
    });
    lastWrite = mine.catch(() => {});
    await mine;
  }

  function end(): void {
    if (ended) return;
    ended = true;
    for (const cancel of timers) cancel();
    timers.clear();
    controller.abort(new LeaseLost('The run has ended, and its claim with it.'));
  }

  makeWatchful(signal, look);
  watch();
  later(won.leaseMs / 2, beat);

  return {
    owner: won,
    signal,
    attempt: won.attempt,
    effect: won.effect,
    trackingId: () => claim.trackingId,
    started: () => started,
    startUnanswered: () => startUnanswered,
    cleared() {
      started = false;
    },
    async start(proposed) {
      const trackingId = claim.trackingId ?? proposed;
      startUnanswered = true;
      await hold((held) => within(clock, limits.claimAnswerMs, store.start(held, trackingId)));
      startUnanswered = false;
      signal.throwIfAborted();
      started = true;
      return trackingId;
    },
    async settle(write) {
      end();
      await lastWrite;
      return write(claim);
    },
    end,
  };
}
