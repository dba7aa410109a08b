/** Time as the engine sees it. Everything that waits or measures goes through here. */
export interface Clock {
  /** Wall time in epoch milliseconds; may be skewed, so nothing that must be right depends on it. */
  now(): number;
  /** Milliseconds that only ever grow while the process lives, whatever the wall clock does. */
  monotonic(): number;
  /** Runs `fn` once after `ms`; the returned function cancels it. A process that waits for it lives on. */
  after(ms: number, fn: () => void): () => void;
}
