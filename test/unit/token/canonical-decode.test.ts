import { describe, expect, test } from 'vitest';
import {
  CanonicalError,
  decodeCanonical,
  encodeCanonical,
} from '../../../functions/src/token/canonical.ts';

function refusalOf(text: string): CanonicalError {
  try {
    decodeCanonical(text);
  } catch (error) {
    if (error instanceof CanonicalError) return error;
    throw error;
  }
  throw new Error('The text was decoded.');
}

describe('decoding', () => {
  test('gives back dates, bigints, bytes, Maps, Sets and undefined', () => {
    const value = {
      at: new Date(Date.UTC(12026, 5, 1)),
      big: -(10n ** 30n),
      bytes: Uint8Array.of(1, 2, 3, 4),
      list: [undefined, null],
      map: new Map<unknown, unknown>([[{ deep: 1n }, new Set([undefined])]]),
    };
    expect(decodeCanonical(encodeCanonical(value))).toStrictEqual(value);
    expect(decodeCanonical(encodeCanonical(undefined))).toBeUndefined();
  });

  test('takes white space and any order, as another language may write it', () => {
    const value = decodeCanonical(' { "b" : {"$set":[2,1]}, "a" : -0 } ');
    expect(value).toStrictEqual({ a: 0, b: new Set([2, 1]) });
  });

  test('gives back an object that looks like a tag, and no tag', () => {
    for (const value of [{ $date: 'x' }, { $object: { $x: new Date(0) } }, { $: 1 }]) {
      expect(decodeCanonical(encodeCanonical(value))).toStrictEqual(value);
    }
  });

  test.each([
    '{"__proto__":{"admin":true}}',
    '{"__proto__":{"$date":"1970-01-01T00:00:00.000Z"},"a":1}',
    '{"a":{"__proto__":{"$map":[["admin",true]]}}}',
  ])('a member named __proto__ stays a member: %s', (text) => {
    const value = decodeCanonical(text) as Record<string, unknown>;
    const holder = Object.hasOwn(value, 'a') && value['a'] !== 1 ? (value['a'] as object) : value;
    expect(Object.hasOwn(holder, '__proto__')).toBe(true);
    expect(Object.getPrototypeOf(holder)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
    expect(encodeCanonical(value)).toBe(text);
  });

  test.each([
    ['{"a":1', '$', 'not JSON'],
    ['', '$', 'not JSON'],
    ['{"a":{"$unknown":1}}', '$.a', '{"$object":{"$unknown":…}}'],
    ['[{"$date":0}]', '$[0]', '$date'],
    ['{"$date":"2026-01-31"}', '$', '$date'],
    ['{"$date":"2026-02-31T00:00:00.000Z"}', '$', '$date'],
    ['{"$bigint":1}', '$', '$bigint'],
    ['{"$bigint":"01"}', '$', '$bigint'],
    ['{"$bigint":"-0"}', '$', '$bigint'],
    ['{"$bigint":"0x1f"}', '$', '$bigint'],
    ['{"$bigint":""}', '$', '$bigint'],
    ['{"$bytes":"AP8"}', '$', '$bytes'],
    ['{"$bytes":"AP_Q"}', '$', '$bytes'],
    ['{"$bytes":["AP8Q"]}', '$', '$bytes'],
    ['{"$bytes":null}', '$', '$bytes'],
    ['{"$undefined":false}', '$', '$undefined'],
    ['{"a":{"$undefined":true}}', '$.a', 'Leave the member out'],
    ['{"$map":{"a":1}}', '$', '$map'],
    ['{"$map":[["a"]]}', '$', '$map'],
    ['{"$map":[["a",1,2]]}', '$', '$map'],
    ['{"$map":[["a",1],["a",2]]}', '$<key 1>', 'equal member'],
    ['{"$map":[[{"a":1,"b":2},1],[{"b":2,"a":1},2]]}', '$<key 1>', 'equal member'],
    ['{"$map":[["a",{"$date":0}]]}', '$<value 0>', '$date'],
    ['{"$set":1}', '$', '$set'],
    ['{"$set":[1,2,1.0]}', '$<member 2>', 'equal member'],
    ['{"$object":1}', '$', '$object'],
    ['{"$object":null}', '$', '$object'],
    ['{"$object":["$a"]}', '$', '$object'],
    ['{"$object":{}}', '$', '$object'],
    ['{"$object":{"a":1}}', '$', '$object'],
    ['{"$object":{"$a":1,"$b":2}}', '$', '$object'],
    ['{"$object":{"$a":{"$undefined":true}}}', '$.$a', 'Leave the member out'],
    ['[1e400]', '$[0]', 'out of range'],
    ['["\\ud800"]', '$[0]', 'lone surrogate'],
    ['{"\\ud800":1,"a":1}', '$["\\ud800"]', 'lone surrogate'],
  ])('refuses %s', (text, path, words) => {
    const refusal = refusalOf(text);
    expect(refusal.path).toBe(path);
    expect(refusal.message).toContain(`Can't decode ${path}: `);
    expect(refusal.message).toContain(words);
  });

  test('refuses what is nested too deeply, in arrays, objects and tags', () => {
    const levels = 100_000;
    expect(refusalOf('['.repeat(levels) + ']'.repeat(levels)).message).toContain('200 levels');
    expect(refusalOf('{"a":'.repeat(levels) + '1' + '}'.repeat(levels)).message).toContain('200');
    const set = '{"$set":['.repeat(201) + ']}'.repeat(201);
    expect(refusalOf(set).message).toContain('200 levels');
    const map = '{"$map":[[0,'.repeat(201) + '1' + ']]}'.repeat(201);
    expect(refusalOf(map).message).toContain('200 levels');
  });
});
