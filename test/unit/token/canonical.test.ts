import { describe, expect, test } from 'vitest';
import { CanonicalError, encodeCanonical } from '../../../functions/src/token/canonical.ts';

function refusalOf(value: unknown): CanonicalError {
  try {
    encodeCanonical(value);
  } catch (error) {
    if (error instanceof CanonicalError) return error;
    throw error;
  }
  throw new Error('The value was encoded.');
}

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

describe('the samples of RFC 8785', () => {
  test('3.2.2: numbers, strings and literals take their one form', () => {
    const value: unknown = JSON.parse(String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`);
    expect(encodeCanonical(value)).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],` +
        String.raw`"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  test('3.2.3: members are sorted by UTF-16 code units', () => {
    const value = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    expect(encodeCanonical(value)).toBe(
      '{"\\r":"Carriage Return","1":"One","\u0080":"Control",' +
        '"\u00f6":"Latin Small Letter O With Diaeresis","\u20ac":"Euro Sign",' +
        '"\ud83d\ude00":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
    );
  });

  test.each([
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555554', '333333333.33333325'],
    ['41b3de4355555555', '333333333.3333333'],
    ['41b3de4355555556', '333333333.3333334'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ])('appendix B: the double %s is written %s', (bits, text) => {
    expect(encodeCanonical(Buffer.from(bits, 'hex').readDoubleBE(0))).toBe(text);
  });

  test.each(['7fffffffffffffff', '7ff0000000000000', 'fff0000000000000'])(
    'appendix B: the double %s is refused',
    (bits) => {
      expect(refusalOf(Buffer.from(bits, 'hex').readDoubleBE(0)).path).toBe('$');
    },
  );
});

describe('what JSON cannot say', () => {
  test.each([
    ['a Date', new Date(Date.UTC(2026, 0, 31)), '{"$date":"2026-01-31T00:00:00.000Z"}'],
    ['a bigint', -123n, '{"$bigint":"-123"}'],
    ['bytes', Uint8Array.of(0, 255, 16), '{"$bytes":"AP8Q"}'],
    ['a Buffer', Buffer.from('hi'), '{"$bytes":"aGk="}'],
    ['a view into a larger buffer', new Uint8Array([1, 2, 3]).subarray(1, 2), '{"$bytes":"Ag=="}'],
    [
      'a Map',
      new Map<unknown, unknown>([
        ['b', 1],
        [1n, undefined],
        ['a', []],
      ]),
      '{"$map":[["a",[]],["b",1],[{"$bigint":"1"},{"$undefined":true}]]}',
    ],
    ['a Set', new Set([3, 20, undefined, 'x']), '{"$set":["x",20,3,{"$undefined":true}]}'],
    ['undefined', undefined, '{"$undefined":true}'],
    ['undefined in an array', [undefined, null], '[{"$undefined":true},null]'],
  ])('%s is tagged', (_, value, text) => {
    expect(encodeCanonical(value)).toBe(text);
  });

  test('an undefined property is absent, and null is not', () => {
    expect(encodeCanonical({ a: undefined, b: null })).toBe('{"b":null}');
  });

  test('an object that looks like a tag is wrapped, however often', () => {
    expect(encodeCanonical({ $date: 'x' })).toBe('{"$object":{"$date":"x"}}');
    expect(encodeCanonical({ $object: { $date: 'x' } })).toBe(
      '{"$object":{"$object":{"$object":{"$date":"x"}}}}',
    );
    expect(encodeCanonical({ $date: 'x', gone: undefined })).toBe('{"$object":{"$date":"x"}}');
    expect(encodeCanonical({ $date: 'x', $map: [] })).toBe('{"$date":"x","$map":[]}');
  });

  test('many keys are sorted like few', () => {
    const keys = Array.from({ length: 40 }, (_, index) => `k${(index * 7) % 40}`);
    const text = encodeCanonical(Object.fromEntries(keys.map((key) => [key, 0])));
    expect(Object.keys(JSON.parse(text) as object)).toEqual(keys.toSorted());
  });

  test('one object may stand in two places', () => {
    const shared = { a: 1 };
    expect(encodeCanonical([shared, { shared }])).toBe('[{"a":1},{"shared":{"a":1}}]');
  });

  test('an object without a prototype is an object', () => {
    expect(encodeCanonical(Object.assign(Object.create(null), { a: 1 }))).toBe('{"a":1}');
  });
});

describe('what is refused, by path', () => {
  class Money {
    readonly cents = 1;
  }
  const cyclic: Record<string, unknown> = {};
  cyclic['list'] = [cyclic];
  const withSymbol = { a: { [Symbol('s')]: 1 } };

  test.each([
    ['NaN', { items: [0, { price: Number.NaN }] }, '$.items[1].price', 'NaN'],
    ['-Infinity', [-Infinity], '$[0]', '-Infinity'],
    ['a function', { 'not a name': () => 1 }, '$["not a name"]', 'function'],
    ['toJSON', { a: { toJSON: () => 'x' } }, '$.a.toJSON', 'function'],
    ['a symbol', [Symbol('x')], '$[0]', 'symbol'],
    ['a symbol key', withSymbol, '$.a', 'symbol key'],
    ['a class instance', { m: new Money() }, '$.m', 'Money'],
    ['an Error', [new TypeError('x')], '$[0]', 'TypeError'],
    ['a subclass of Map', new (class Index extends Map {})(), '$', 'Index'],
    ['a boxed number', [Object(1)], '$[0]', 'Number'],
    ['another typed array', [Float32Array.of(1)], '$[0]', 'Float32Array'],
    ['an ArrayBuffer', [new ArrayBuffer(1)], '$[0]', 'ArrayBuffer'],
    ['an invalid Date', { at: new Date(Number.NaN) }, '$.at', 'invalid'],
    ['a hole', [1, , 3], '$[1]', 'hole'], // oxlint-disable-line no-sparse-arrays
    ['a cycle', { a: cyclic }, '$.a.list[0]', 'contains itself'],
    ['a lone surrogate', ['\ud800'], '$[0]', 'lone surrogate'],
    ['a lone surrogate in a long text', ['x'.repeat(100) + '\udc00'], '$[0]', 'lone surrogate'],
    ['a lone surrogate in a key', { 'a\udfff': 1 }, '$["a\\udfff"]', 'lone surrogate'],
    ['a property on an array', { a: Object.assign([1], { extra: 1 }) }, '$.a', 'would be lost'],
    ['a symbol on an array', Object.assign([1], { [Symbol('s')]: 1 }), '$', 'would be lost'],
    ['a property on a Date', Object.assign(new Date(0), { zone: 'CET' }), '$', 'would be lost'],
    ['a property on a Map', Object.assign(new Map(), { extra: 1 }), '$', 'would be lost'],
    ['a property on a Set', Object.assign(new Set(), { extra: 1 }), '$', 'would be lost'],
    [
      'a bad Map key',
      {
        m: new Map([
          [1, 1],
          [Number.NaN, 2],
        ]),
      },
      '$.m<key 1>',
      'NaN',
    ],
    ['a bad Map value', { m: new Map([[1, () => 1]]) }, '$.m<value 0>', 'function'],
    ['a bad Set member', [new Set(['a', Symbol('x')])], '$[0]<member 1>', 'symbol'],
    [
      'equal Map keys',
      new Map([
        [{ a: 1 }, 1],
        [{ a: 1 }, 2],
      ]),
      '$<key 1>',
      'equal member',
    ],
    ['equal Set members', new Set([[], []]), '$<member 1>', 'equal member'],
  ])('%s', (_, value, path, words) => {
    const refusal = refusalOf(value);
    expect(refusal.path).toBe(path);
    expect(refusal.message).toContain(`Can't encode ${path}: `);
    expect(refusal.message).toContain(words);
  });

  test('a getter is refused and never run', () => {
    let runs = 0;
    const value = {
      a: {
        get now() {
          runs += 1;
          return runs;
        },
      },
    };
    expect(refusalOf(value).path).toBe('$.a.now');
    expect(runs).toBe(0);
  });

  test('200 levels are encoded; 201, or a hundred thousand, are refused with a short path', () => {
    expect(encodeCanonical(nested(200))).toContain('1');
    expect(refusalOf(nested(201)).message).toContain('200 levels');
    const deep = refusalOf(nested(100_000));
    expect(deep.message).toContain('200 levels');
    expect(deep.path).toMatch(/^\$(\.a|\[0\]){8}…(\.a|\[0\]){4}$/);
  });

  test('Maps and Sets count as levels too', () => {
    let members: unknown = 1;
    for (let level = 0; level < 200; level += 1) {
      members = level % 2 === 0 ? new Set([members]) : new Map([[members, 'v']]);
    }
    expect(encodeCanonical(members)).toContain('1');
    expect(refusalOf(new Map([['k', members]])).message).toContain('200 levels');
  });
});
