import type { Clock } from '../../ports/clock.ts';

/** How long to wait before the next request of this name; 0 where it may go now, and is counted. */
export type RateLimit = (name: string) => number;

/** A bucket for each name, filled at the rate and holding two seconds of it. Of this instance alone. */
export function rateLimit(clock: Clock, perSecond: number): RateLimit {
  const full = 2 * perSecond;
  const buckets = new Map<string, { tokens: number; at: number }>();
  return (name) => {
    const now = clock.monotonic();
    const bucket = buckets.get(name) ?? { tokens: full, at: now };
    buckets.set(name, bucket);
    bucket.tokens = Math.min(full, bucket.tokens + ((now - bucket.at) / 1_000) * perSecond);
    bucket.at = now;
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) / perSecond) * 1_000);
    bucket.tokens -= 1;
    return 0;
  };
}
