import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { slidExpiry } from '../../../functions/src/retention/sliding.ts';

/** Completed at 1,000, alive for 100, at most until 1,300. */
const record = { completedAt: 1_000, expireAt: 1_100, ttlMs: 100, capMs: 300 };

describe('sliding expiry', () => {
  test.each([
    ['at completion', 1_000, undefined],
    ['with exactly half left', 1_050, undefined],
    ['with less than half left', 1_051, 1_151],
    ['at the moment of expiry', 1_100, 1_200],
    ['after expiry, not archived yet', 1_150, 1_250],
    ['up to the cap', 1_199, 1_299],
    ['cut at the cap', 1_250, 1_300],
    ['just before the cap', 1_299, 1_300],
    ['at the cap, where it would be in the past', 1_300, undefined],
    ['long after', 9_999, undefined],
    ['before completion, by a skewed read', 900, undefined],
  ])('%s', (_, storeNow, expected) => {
    expect(slidExpiry({ ...record, storeNow })).toBe(expected);
  });

  test('a record that an override keeps beyond the cap is left alone', () => {
    expect(slidExpiry({ ...record, expireAt: 1_320, storeNow: 1_310 })).toBeUndefined();
    expect(slidExpiry({ ...record, expireAt: 1_320, storeNow: 1_280 })).toBeUndefined();
  });

  test('a class whose cap is its TTL does not slide', () => {
    for (let storeNow = 1_000; storeNow < 1_200; storeNow += 1) {
      expect(slidExpiry({ ...record, capMs: 100, storeNow })).toBeUndefined();
    }
  });

  test('whatever the looks at a record, it grows, stays under the cap, and costs few writes', () => {
    const looks = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(
        looks,
        fc.integer({ min: 2, max: 200 }),
        fc.integer({ min: 1, max: 9 }),
        (gaps, ttlMs, times) => {
          const capMs = ttlMs * times;
          let expireAt = 1_000 + ttlMs;
          let storeNow = 1_000;
          let writes = 0;
          for (const gap of gaps) {
            storeNow += gap;
            const slid = slidExpiry({ completedAt: 1_000, expireAt, ttlMs, capMs, storeNow });
            if (slid === undefined) continue;
            expect(slid).toBeGreaterThan(expireAt);
            expect(slid).toBeGreaterThan(storeNow);
            expect(slid).toBeLessThanOrEqual(1_000 + capMs);
            expireAt = slid;
            writes += 1;
          }
          expect(writes).toBeLessThanOrEqual(2 * times);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
