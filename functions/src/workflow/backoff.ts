/** Exponential backoff with full jitter: milliseconds from 0 up to a ceiling that doubles. */
export interface Backoff {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** How long to wait after the `attempt`th refusal, from 1; `random` is from 0 to below 1. */
export function backoffMs(attempt: number, random: number, backoff: Backoff): number {
  const ceiling = Math.min(backoff.longestMs, backoff.firstMs * 2 ** (attempt - 1));
  return Math.round(ceiling * random);
}
