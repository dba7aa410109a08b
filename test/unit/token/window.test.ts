import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Namespace } from '../../../functions/src/token/token.ts';
import {
  bucketOf,
  neighbours,
  sameWindow,
  WINDOW_MS,
  windowedTokens,
} from '../../../functions/src/token/window.ts';

const components = {
  namespace: 'shop' as Namespace,
  scope: 'order-17',
  agent: 'payments-1',
  action: 'payments.charge',
  requestHash: 'r1_x',
};
/** 2026-01-31T00:00:00Z, the first millisecond of a bucket. */
const START = Date.UTC(2026, 0, 31);

/** Whether a request made at `b` finds the record of one made at `a`, as a claim looks for it. */
function finds(a: number, b: number, windowMs = WINDOW_MS): boolean {
  const record = windowedTokens(components, a, windowMs).token;
  const request = windowedTokens(components, b, windowMs);
  if (request.token === record) return true;
  return request.neighbours.includes(record) && sameWindow(a, b, windowMs);
}

describe('buckets', () => {
  test('a bucket is five minutes, from its first millisecond to its last', () => {
    const bucket = bucketOf(START, WINDOW_MS);
    expect(bucket * 300_000).toBe(START);
    expect(bucketOf(START + 299_999, WINDOW_MS)).toBe(bucket);
    expect(bucketOf(START + 300_000, WINDOW_MS)).toBe(bucket + 1);
    expect(bucketOf(START - 1, WINDOW_MS)).toBe(bucket - 1);
    expect(neighbours(bucket)).toEqual([bucket - 1, bucket + 1]);
  });

  test('times and lengths that are no whole milliseconds are refused', () => {
    for (const time of [-1, 0.5, Number.NaN, Infinity]) {
      expect(() => bucketOf(time, WINDOW_MS)).toThrow(RangeError);
      expect(() => sameWindow(time, START, WINDOW_MS)).toThrow('the first time');
      expect(() => sameWindow(START, time, WINDOW_MS)).toThrow('the second time');
    }
    for (const length of [0, -1, 0.5, Number.NaN]) {
      expect(() => bucketOf(START, length)).toThrow(RangeError);
      expect(() => sameWindow(START, START, length)).toThrow(RangeError);
    }
  });
});

describe('windowed tokens', () => {
  test('at the lower boundary, the twin in the bucket before is the previous neighbour', () => {
    const request = windowedTokens(components, START);
    expect(windowedTokens(components, START - 1).token).toBe(request.neighbours[0]);
    expect(finds(START - 1, START)).toBe(true);
  });

  test('at the upper boundary, the twin in the bucket after is the next neighbour', () => {
    const request = windowedTokens(components, START + 299_999);
    expect(windowedTokens(components, START + 300_000).token).toBe(request.neighbours[1]);
    expect(finds(START + 300_000, START + 299_999)).toBe(true);
  });

  test('a window apart to the millisecond is another call; one less is the same', () => {
    expect(finds(START, START + 299_999)).toBe(true);
    expect(finds(START, START + 300_000)).toBe(false);
    expect(finds(START + 150_000, START + 449_999)).toBe(true);
    expect(finds(START + 150_000, START + 450_000)).toBe(false);
    expect(finds(START + 450_000, START + 150_000)).toBe(false);
  });

  test('a record is found exactly if made less than one window apart, before or after', () => {
    const times = fc.integer({ min: START, max: START + 4 * WINDOW_MS });
    fc.assert(
      fc.property(times, times, (a, b) => {
        expect(finds(a, b)).toBe(Math.abs(a - b) < WINDOW_MS);
      }),
      { numRuns: 2_000 },
    );
  });

  test('windows of another length hold to it', () => {
    expect(finds(START, START + 999, 1_000)).toBe(true);
    expect(finds(START, START + 1_000, 1_000)).toBe(false);
  });

  test('another request has other tokens in the same window', () => {
    const one = windowedTokens(components, START);
    const other = windowedTokens({ ...components, requestHash: 'r1_y' }, START);
    expect(new Set([one.token, ...one.neighbours, other.token, ...other.neighbours]).size).toBe(6);
  });
});
