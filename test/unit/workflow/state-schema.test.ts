import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { defineEntity } from '../../../functions/src/engine/define-entity.ts';
import { decodeAs, encodeAs } from '../../../functions/src/engine/versioned-schema.ts';
import { RetryableError } from '../../../functions/src/operation/errors.ts';
import type { Namespace } from '../../../functions/src/token/token.ts';
import { upcast } from '../../../functions/src/workflow/upcast.ts';

const SHOP = 'shop' as Namespace;
const add = (letter: string) => (old: unknown) => `${String(old)}${letter}`;
const steps = { schemaVersion: 4, upcasters: { 1: add('b'), 2: add('c'), 3: add('d') } };

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

describe('upcasting', () => {
  test.each([
    [1, 'abcd'],
    [2, 'acd'],
    [3, 'ad'],
    [4, 'a'],
  ])('a value of version %d takes each step from there on', (from, expected) => {
    expect(upcast('It', from, 'a', steps)).toBe(expected);
  });

  test('a version that this build does not know is to be tried again later', () => {
    const read = () => upcast('Version 9 of cart/7', 5, 'a', steps);
    expect(read).toThrow(RetryableError);
    expect(read).toThrow(
      'Version 9 of cart/7 was written under schema version 5, and this build knows versions up to 4.',
    );
  });

  test('a step that throws is named, with the value, and what to do', () => {
    const broken = {
      schemaVersion: 3,
      upcasters: { 1: add('b'), 2: (old: unknown) => (old as { owner: string }).owner.trim() },
    };
    const error = thrownBy(() => upcast('Version 9 of cart/7', 1, 'a', broken));
    expect(error).toBeInstanceOf(RetryableError);
    expect(error).toMatchObject({ code: 'upcast_failed', cause: expect.any(TypeError) as Error });
    expect(String(error)).toMatch(
      /Version 9 of cart\/7 can't be read: its upcaster from version 2 threw: TypeError: .* Mend /,
    );
  });

  test.each([0, -1, 1.5])('version %d is no version', (from) => {
    expect(() => upcast('It', from, 'a', steps)).toThrow(RangeError);
  });
});

describe('the definition of an entity', () => {
  const schema = z.object({ total: z.number() });

  test('types its values, and names its entities', () => {
    const cart = defineEntity({ name: 'cart', schema });
    expect(cart).toMatchObject({ schemaVersion: 1, upcasters: {} });
    const entity = cart.of(SHOP, '7');
    expect(entity).toMatchObject({ namespace: SHOP, id: 'cart/7' });
    expectTypeOf(entity.kind.schema).toEqualTypeOf<typeof schema>();
    expect(() => cart.of(SHOP, '')).toThrow('"cart/" names no entity');
  });

  test('is refused with every fault at once', () => {
    const define = () =>
      defineEntity({
        name: 'Cart',
        schema,
        schemaVersion: 4,
        upcasters: { 2: add('c'), 4: add('e'), 0: add('a') },
      });
    for (const fault of [
      'Entity "Cart" is not usable',
      'its name must be dotted lower-case words',
      'no upcaster leads on from version 1',
      'no upcaster leads on from version 3',
      'its upcaster from version 4 leads nowhere',
      'its upcaster from version 0 leads nowhere',
    ]) {
      expect(define).toThrow(fault);
    }
    expect(define).not.toThrow('from version 2');
  });

  test.each([0, 1.5, Number.NaN])('is refused with schema version %d', (schemaVersion) => {
    expect(() => defineEntity({ name: 'cart', schema, schemaVersion })).toThrow(/count from 1/);
  });
});

describe('a stored value', () => {
  const versioned = <Schema extends z.ZodType>(schema: Schema) => ({
    schema,
    schemaVersion: 1,
    upcasters: {},
  });

  test('comes back as it was, with what JSON has no words for', () => {
    const rich = versioned(
      z.object({ at: z.date(), cents: z.bigint(), tags: z.set(z.string()), more: z.any() }),
    );
    const value = { at: new Date(5), cents: 12n, tags: new Set(['a']), more: { $x: [null] } };
    const text = encodeAs(rich, 'It', value, 1_000);
    expect(decodeAs(rich, 'It', { schemaVersion: 1, text })).toEqual(value);
  });

  test('is stored as a codec encodes it, and read as it decodes it', () => {
    const hex = z.codec(z.string(), z.number(), {
      decode: (text) => Number.parseInt(text, 16),
      encode: (number) => number.toString(16),
    });
    const text = encodeAs(versioned(z.object({ hex })), 'It', { hex: 255 }, 100);
    expect(text).toBe('{"hex":"ff"}');
    const stored = { schemaVersion: 1, text };
    expect(decodeAs(versioned(z.object({ hex })), 'It', stored)).toEqual({ hex: 255 });
  });

  test('is refused when its schema converts one way only, before anything is stored', () => {
    const oneWay = versioned(z.string().transform(Number));
    expect(() => encodeAs(oneWay, 'It', 3, 100)).toThrow(/unidirectional transform/);
  });

  test('is refused with what is wrong and where', () => {
    const cart = versioned(z.object({ total: z.number().min(0) }));
    const told = /^It does not fit its schema: .*Too small.* total$/;
    expect(() => encodeAs(cart, 'It', { total: -1 }, 100)).toThrow(told);
    const stored = { schemaVersion: 1, text: '{"total":-1}' };
    expect(() => decodeAs(cart, 'It', stored)).toThrow(told);
  });

  test('is refused by name where a codec throws on it', () => {
    const picky = z.codec(z.string(), z.number(), {
      decode: (text) => JSON.parse(text) as number,
      encode: (number) => String(number),
    });
    const read = () =>
      decodeAs(versioned(picky), 'Version 3 of it', { schemaVersion: 1, text: '"{"' });
    expect(read).toThrow(RetryableError);
    expect(read).toThrow(
      /^Version 3 of it does not fit its schema, which threw: SyntaxError: .* Mend /,
    );
  });

  test('is refused when its text is over the limit in bytes', () => {
    const text = versioned(z.string());
    expect(encodeAs(text, 'It', 'éé', 6)).toBe('"éé"');
    expect(() => encodeAs(text, 'It', 'éé', 5)).toThrow(
      'It takes 6 bytes as text, over the limit of 5',
    );
  });
});
