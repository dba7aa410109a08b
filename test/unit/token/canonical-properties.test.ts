import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CanonicalError,
  decodeCanonical,
  encodeCanonical,
} from '../../../functions/src/token/canonical.ts';

const RUNS = { numRuns: 2_000 };

const tagNames = ['$date', '$bigint', '$bytes', '$map', '$set', '$undefined', '$object', '$'];
const keys = fc.oneof(
  fc.constantFrom(...tagNames, '', 'a', 'b', '1', '10', '__proto__', 'constructor'),
  fc.string({ unit: 'binary' }),
);

const widePlain = fc.oneof(
  fc.constantFrom(null, true, false, '', '123', '1970-01-01T00:00:00.000Z', 'AA=='),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((double) => double + 0),
  fc.string({ unit: 'binary', maxLength: 80 }),
);
const wide = fc.oneof(
  widePlain,
  fc.constant(undefined),
  fc.bigInt(),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array({ maxLength: 8 }),
);
/** Few values that are easily taken for each other, so that pairs are often equal and often close. */
const narrow = fc.oneof(
  fc.constantFrom(null, undefined, true, 0, 1, '', '0', '1', 'true', 'AA==', 0n, 1n),
  fc.constantFrom('1970-01-01T00:00:00.000Z', '{}', '[]', '{"$undefined":true}'),
  fc.constantFrom(0, 1).map((time) => new Date(time)),
  fc.constantFrom([], [0]).map((bytes) => Uint8Array.from(bytes)),
);

function plainObject(entries: readonly (readonly [string, unknown])[]): object {
  const object = {};
  for (const [key, value] of entries) {
    if (value === undefined) continue;
    Object.defineProperty(object, key, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  return object;
}

/**
 * By contents. `util.isDeepStrictEqual` of Node 24.21 can't serve: it throws a TypeError on the Sets
 * {null, Set {}, undefined} and {[1], {}, []}.
 */
function equal(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime();
  if (a instanceof Map && b instanceof Map) {
    return a.size === b.size && [...a].every((one) => [...b].some((other) => equal(one, other)));
  }
  if (a instanceof Set && b instanceof Set) {
    return a.size === b.size && [...a].every((one) => [...b].some((other) => equal(one, other)));
  }
  const [ofA, ofB] = [Object.entries(a), new Map<string, unknown>(Object.entries(b))];
  return ofA.length === ofB.size && ofA.every(([k, v]) => ofB.has(k) && equal(v, ofB.get(k)));
}

function distinct<T>(items: readonly T[], memberOf: (item: T) => unknown): T[] {
  return items.filter(
    (item, index) => !items.slice(0, index).some((other) => equal(memberOf(item), memberOf(other))),
  );
}

function valuesOf(leaf: fc.Arbitrary<unknown>, key: fc.Arbitrary<string>, maxLength: number) {
  return fc.letrec<{ value: unknown }>((tie) => {
    const list = fc.array(tie('value'), { maxLength });
    const pairs = fc.array(fc.tuple(tie('value'), tie('value')), { maxLength });
    const members = fc.array(fc.tuple(key, tie('value')), { maxLength });
    return {
      value: fc.oneof(
        { maxDepth: 4, depthSize: 'small' },
        leaf,
        list,
        members.map(plainObject),
        pairs.map((entries) => new Map(distinct(entries, ([member]) => member))),
        list.map((elements) => new Set(distinct(elements, (member) => member))),
      ),
    };
  }).value;
}

const values = valuesOf(wide, keys, 4);
const closeValues = valuesOf(narrow, fc.constantFrom('a', ...tagNames), 2);

/** The same value, with each object, Map and Set filled in another order. */
function reordered(value: unknown, turn: number): unknown {
  if (Array.isArray(value)) return value.map((element) => reordered(element, turn));
  const shuffle = <T>(items: T[]): T[] => {
    const cut = items.length === 0 ? 0 : turn % items.length;
    return [...items.slice(cut), ...items.slice(0, cut)].toReversed();
  };
  if (value instanceof Map) {
    const entries = [...(value as Map<unknown, unknown>)];
    return new Map(shuffle(entries).map(([k, v]) => [reordered(k, turn), reordered(v, turn)]));
  }
  if (value instanceof Set) return new Set(shuffle([...value]).map((v) => reordered(v, turn)));
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date || value instanceof Uint8Array) return value;
  const entries = Object.entries(value).map(([k, v]) => [k, reordered(v, turn)] as const);
  return plainObject(shuffle(entries));
}

describe('canonical encoding, for any value', () => {
  test('decoding gives the value back', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(equal(decodeCanonical(encodeCanonical(value)), value)).toBe(true);
      }),
      RUNS,
    );
  });

  test('encoding again what was decoded gives the same text', () => {
    fc.assert(
      fc.property(values, (value) => {
        const text = encodeCanonical(value);
        expect(encodeCanonical(decodeCanonical(text))).toBe(text);
      }),
      RUNS,
    );
  });

  test('the order in which objects, Maps and Sets were filled does not matter', () => {
    fc.assert(
      fc.property(values, fc.nat(11), (value, turn) => {
        expect(encodeCanonical(reordered(value, turn))).toBe(encodeCanonical(value));
      }),
      RUNS,
    );
  });

  test('two values share a text exactly if they are equal', () => {
    let equals = 0;
    fc.assert(
      fc.property(closeValues, closeValues, (a, b) => {
        const same = equal(a, b);
        if (same) equals += 1;
        expect(encodeCanonical(a) === encodeCanonical(b)).toBe(same);
      }),
      { numRuns: 10_000 },
    );
    expect(equals).toBeGreaterThan(100);
  });

  test('a value never shares its text with the plain JSON that spells that text out', () => {
    let spelled = 0;
    fc.assert(
      fc.property(fc.oneof(values, closeValues), (value) => {
        const text = encodeCanonical(value);
        const plain: unknown = JSON.parse(text);
        if (equal(plain, value)) return;
        spelled += 1;
        expect(encodeCanonical(plain)).not.toBe(text);
        expect(equal(decodeCanonical(encodeCanonical(plain)), plain)).toBe(true);
      }),
      RUNS,
    );
    expect(spelled).toBeGreaterThan(100);
  });

  test('an undefined property changes nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(keys, values), { maxLength: 3 }), keys, (entries, gone) => {
        const object = plainObject(entries);
        if (Object.hasOwn(object, gone)) return;
        const more = plainObject(entries);
        Object.defineProperty(more, gone, { value: undefined, enumerable: true });
        expect(encodeCanonical(more)).toBe(encodeCanonical(object));
      }),
    );
  });

  test('plain JSON is read back by any JSON parser', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (json) => {
        const text = encodeCanonical(json);
        fc.pre(!text.includes('{"$object":'));
        expect(equal(JSON.parse(text), JSON.parse(JSON.stringify(json)))).toBe(true);
      }),
      RUNS,
    );
  });
});

describe('decoding, for any text', () => {
  const forged = fc.letrec<{ json: unknown }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 5, depthSize: 'small' },
      fc.constantFrom(null, true, false, 0, 1, '', '1', '-1', 'AA==', '1970-01-01T00:00:00.000Z'),
      fc.array(tie('json'), { maxLength: 2 }),
      fc.array(fc.tuple(tie('json'), tie('json')), { maxLength: 2 }),
      fc
        .array(fc.tuple(fc.constantFrom('a', ...tagNames), tie('json')), { maxLength: 2 })
        .map(plainObject),
    ),
  })).json;

  test('it gives a value with that meaning, or a CanonicalError', () => {
    const seen = { decoded: 0, refused: 0 };
    fc.assert(
      fc.property(fc.oneof(forged, fc.jsonValue()), (json) => {
        const decoded = decodedOrRefused(JSON.stringify(json));
        seen[decoded.kind] += 1;
        if (decoded.kind === 'refused') return;
        const again: unknown = JSON.parse(encodeCanonical(decoded.value));
        expect(equal(unordered(again), unordered(json))).toBe(true);
      }),
      { numRuns: 5_000 },
    );
    expect(seen.decoded).toBeGreaterThan(100);
    expect(seen.refused).toBeGreaterThan(100);
  });

  test('text that need not be JSON gives a value that can be encoded, or a CanonicalError', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...'[]{}:,"$1e9 '.split('')) }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const decoded = decodedOrRefused(text);
        if (decoded.kind === 'refused') return;
        const again = decodeCanonical(encodeCanonical(decoded.value));
        expect(equal(again, decoded.value)).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });
});

/** Any other error than a refusal is thrown. */
function decodedOrRefused(text: string) {
  try {
    return { kind: 'decoded', value: decodeCanonical(text) } as const;
  } catch (error) {
    if (error instanceof CanonicalError) return { kind: 'refused' } as const;
    throw error;
  }
}

/** The JSON with the contents of $map and $set in one order, and no negative zero. */
function unordered(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(unordered);
  if (json === 0) return 0;
  if (typeof json !== 'object' || json === null) return json;
  const sorted = Object.entries(json).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const entries = sorted.map(([key, value]) => {
    const inner = unordered(value);
    const isTag = Object.keys(json).length === 1 && (key === '$map' || key === '$set');
    if (!isTag || !Array.isArray(inner)) return [key, inner] as const;
    return [key, inner.map((item) => JSON.stringify(item)).toSorted()] as const;
  });
  return plainObject(entries);
}
