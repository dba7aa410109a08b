import { describe, expect, test } from 'vitest';
import {
  defineRetention,
  FORGET_AFTER_MS,
  RETENTION_CLASSES,
  RetentionError,
  resolveRetention,
} from '../../../functions/src/retention/classes.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe('built-in retention classes', () => {
  test.each([
    ['api', HOUR, DAY],
    ['workflow', DAY, 7 * DAY],
    ['financial', 30 * DAY, 60 * DAY],
  ])('%s lives its time, and no longer than its cap', (name, ttlMs, capMs) => {
    expect(resolveRetention(name)).toEqual({ name, ttlMs, capMs, forgetMs: 90 * DAY });
  });

  test('none is forgotten before the latest replay could arrive', () => {
    expect(FORGET_AFTER_MS).toBe((2 * 31 + 28) * DAY);
    for (const { forgetMs } of RETENTION_CLASSES) expect(forgetMs).toBe(FORGET_AFTER_MS);
  });
});

describe('a class of your own', () => {
  test('is found by its name', () => {
    const quick = defineRetention('quick', { ttlMs: 5_000, capMs: 9_000, forgetMs: 120 * DAY });
    expect(quick).toEqual({ name: 'quick', ttlMs: 5_000, capMs: 9_000, forgetMs: 120 * DAY });
    expect(resolveRetention('quick', [quick])).toBe(quick);
  });

  test('does not slide unless told to, and is forgotten after 90 days', () => {
    const plain = defineRetention('plain', { ttlMs: 5_000 });
    expect(plain).toEqual({ name: 'plain', ttlMs: 5_000, capMs: 5_000, forgetMs: FORGET_AFTER_MS });
  });

  test('may be as short as a millisecond, and forgotten right after the latest replay', () => {
    const edge = defineRetention('edge', { ttlMs: 1, capMs: 1, forgetMs: 90 * DAY });
    expect(edge).toEqual({ name: 'edge', ttlMs: 1, capMs: 1, forgetMs: 90 * DAY });
  });

  test.each([
    ['Upper', { ttlMs: 1 }, 'lower-case'],
    ['', { ttlMs: 1 }, 'lower-case'],
    ['api', { ttlMs: 1 }, 'built-in'],
    ['x', { ttlMs: 0 }, 'ttlMs must be from 1'],
    ['x', { ttlMs: 1.5 }, 'ttlMs'],
    ['x', { ttlMs: Number.NaN }, 'ttlMs'],
    ['x', { ttlMs: 101 * 365 * DAY }, 'ttlMs'],
    ['x', { ttlMs: 10, capMs: 9 }, 'capMs must be from ttlMs'],
    ['x', { ttlMs: 10, capMs: Infinity }, 'capMs'],
    ['x', { ttlMs: 10, forgetMs: 90 * DAY - 1 }, 'forgetMs must be from 7776000000 (90 days'],
  ])('named %j with %j is refused', (name, times, words) => {
    const define = () => defineRetention(name, times);
    expect(define).toThrow(RetentionError);
    expect(define).toThrow(words);
  });

  test('is refused with every fault at once, and only the true ones', () => {
    expect(() => defineRetention('X', { ttlMs: -1, capMs: 0, forgetMs: 1 })).toThrow(
      /"X": its name .*; ttlMs .*; capMs .*; forgetMs /,
    );
    expect(() => defineRetention('x', { ttlMs: -1, capMs: 5 })).toThrow(/^[^;]*ttlMs[^;]*$/);
    expect(() => defineRetention('x', { ttlMs: -1 })).toThrow(/^[^;]*ttlMs[^;]*$/);
  });
});

test('an unknown class is refused with the names of those there are', () => {
  const quick = defineRetention('quick', { ttlMs: 5_000 });
  const resolve = () => resolveRetention('weekly', [quick]);
  expect(resolve).toThrow(RetentionError);
  expect(resolve).toThrow('"weekly". Use one of api, workflow, financial, quick,');
});
