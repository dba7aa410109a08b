import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CanonicalError } from '../../../functions/src/token/canonical.ts';
import {
  contextHash,
  digestOf,
  hashOf,
  MalformedComponent,
  MissingComponent,
  requestHash,
} from '../../../functions/src/token/hash.ts';

describe('hashOf', () => {
  test('is the version and 256 bits in base64url', () => {
    expect(hashOf('x1', ['a'])).toMatch(/^x1_[A-Za-z0-9_-]{43}$/);
    expect(hashOf('x1', ['a'])).toBe(`x1_${digestOf('x1', ['a'])}`);
  });

  test('lists that concatenate to the same text have different hashes', () => {
    const lists = [
      ['ab', 'c'],
      ['a', 'bc'],
      ['abc'],
      ['a', 'b', 'c'],
      ['1:a', 'bc'],
      ['a1:b', 'c'],
    ];
    expect(new Set(lists.map((list) => hashOf('x1', list))).size).toBe(lists.length);
    expect(hashOf('x1', ['1', 'a'])).not.toBe(hashOf('x11', ['a']));
  });

  test('two lists share a hash exactly if they are equal', () => {
    const lists = fc.array(
      fc.string({ unit: fc.constantFrom('1', ':', 'é'), minLength: 1, maxLength: 3 }),
      {
        minLength: 1,
        maxLength: 3,
      },
    );
    fc.assert(
      fc.property(lists, lists, (a, b) => {
        const same = a.length === b.length && a.every((part, index) => part === b[index]);
        expect(hashOf('x1', a) === hashOf('x1', b)).toBe(same);
      }),
      { numRuns: 2_000 },
    );
  });

  test('versions keep the digests of equal parts apart', () => {
    expect(digestOf('x1', ['a'])).not.toBe(digestOf('x2', ['a']));
  });

  test.each([
    [['a', ''], ['one', 'two'], 'two'],
    [['a', undefined], ['one', 'two'], 'two'],
    [['a'], ['one', 'two'], 'two'],
    [['', 'b'], [], 'part 1'],
    [[], [], 'part 1'],
  ])('an empty or missing part of %j is refused by its name', (parts, names, component) => {
    const hash = () => hashOf('x1', parts as string[], names);
    expect(hash).toThrow(MissingComponent);
    expect(hash).toThrow(expect.objectContaining({ component }));
    expect(hash).toThrow(`component "${component}" is missing`);
  });

  test('a lone surrogate is refused, since all of them are one in UTF-8', () => {
    expect(() => hashOf('x1', ['\ud800'], ['scope'])).toThrow(MalformedComponent);
    expect(() => hashOf('x1', ['\ud800'], ['scope'])).toThrow('"scope" has a lone surrogate');
  });
});

describe('requestHash', () => {
  test('never changes for the same action and params', () => {
    expect(requestHash('payments.charge', { order: 'o1', amount: 1 })).toBe(
      'r1_O_RYBlmjM3jpK8vU3xRST4q0Su0PGyYOwYTdSmguVIU',
    );
  });

  test('tells actions apart, and params', () => {
    const params = { order: 'o1', amount: 1 };
    const hashes = [
      requestHash('payments.charge', params),
      requestHash('payments.refund', params),
      requestHash('payments.charge', { ...params, amount: 2 }),
      requestHash('payments.charge', { ...params, note: null }),
      requestHash('payments.charge', { ...params, amount: 1n }),
      requestHash('payments.charge', undefined),
      requestHash('payments.charge', null),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(requestHash('payments.charge', { amount: 1, order: 'o1' })).toBe(hashes[0]);
  });

  test('refuses an empty action, and params without a canonical form', () => {
    expect(() => requestHash('', {})).toThrow('"action" is missing');
    expect(() => requestHash('payments.charge', { amount: Number.NaN })).toThrow(CanonicalError);
  });
});

describe('contextHash', () => {
  test('never changes for the same context', () => {
    expect(contextHash({ versions: { ledger: '2.1' } })).toBe(
      'c1_xTwFdx2lJEip7ZTVAK1mREWp2WK0PNj92hdhA88Y2Bw',
    );
  });

  test('tells apart which part holds a value, and absent from null and empty', () => {
    const hashes = [
      contextHash({}),
      contextHash({ state: null }),
      contextHash({ state: {} }),
      contextHash({ environment: {} }),
      contextHash({ versions: {} }),
      contextHash({ state: { versions: {} } }),
      contextHash({ versions: { ledger: '2.1' } }),
      contextHash({ versions: { ledger: '2.2' } }),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(contextHash({ state: undefined })).toBe(hashes[0]);
  });

  test('takes nothing else of the object it is given', () => {
    const context = { state: 1, traceId: 'abc' };
    expect(contextHash(context)).toBe(contextHash({ state: 1 }));
  });
});
