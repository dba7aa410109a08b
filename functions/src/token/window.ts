import { derivedToken, type Token, type TokenComponents } from './token.ts';

/** Requests without an explicit key are one request within this time. */
export const WINDOW_MS = 300_000;

/** The number of the bucket that a time falls in. */
export function bucketOf(atMs: number, windowMs: number): number {
  checkTime('the time', atMs);
  checkWindow(windowMs);
  return Math.floor(atMs / windowMs);
}

/** The buckets before and after: a request made near a boundary may have its twin there. */
export function neighbours(bucket: number): readonly [previous: number, next: number] {
  return [bucket - 1, bucket + 1];
}

export interface WindowedTokens {
  readonly token: Token;
  /** Tokens of the same request, had it been made one bucket earlier, and one later. */
  readonly neighbours: readonly [previous: Token, next: Token];
}

/**
 * The tokens of a request made at `madeAt` (epoch milliseconds, its maker's clock). Made once, when the
 * task is made, and carried: a retry that computes them again lands in another bucket.
 */
export function windowedTokens(
  components: Omit<TokenComponents, 'window'>,
  madeAt: number,
  windowMs: number = WINDOW_MS,
): WindowedTokens {
  const bucket = bucketOf(madeAt, windowMs);
  const [previous, next] = neighbours(bucket);
  const tokenOf = (window: number) => derivedToken({ ...components, window });
  return { token: tokenOf(bucket), neighbours: [tokenOf(previous), tokenOf(next)] };
}

/**
 * Whether a record under a neighbour's token is the same request: made less than one window apart.
 * The times compared are those of making, since a delivery may be hours late: by times of arrival, a
 * backlog delivered at once would merge calls meant apart, and a late twin would count as a new call.
 */
export function sameWindow(aMadeAt: number, bMadeAt: number, windowMs: number): boolean {
  checkTime('the first time', aMadeAt);
  checkTime('the second time', bMadeAt);
  checkWindow(windowMs);
  return Math.abs(aMadeAt - bMadeAt) < windowMs;
}

function checkTime(what: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw new RangeError(`A window needs ${what} in whole epoch milliseconds, not ${value}.`);
}

function checkWindow(windowMs: number): void {
  if (Number.isSafeInteger(windowMs) && windowMs >= 1) return;
  throw new RangeError(`The length of a window is whole milliseconds from 1, not ${windowMs}.`);
}
