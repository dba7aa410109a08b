import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MalformedComponent, MissingComponent } from '../../../functions/src/token/hash.ts';
import {
  childToken,
  derivedToken,
  documentId,
  keyToken,
  parseAction,
  parseNamespace,
  parseToken,
  shardOf,
  shownToken,
  type Namespace,
  type TokenComponents,
} from '../../../functions/src/token/token.ts';

const namespace = 'shop' as Namespace;
const components: TokenComponents = {
  namespace,
  scope: 'order-17',
  agent: 'payments-1',
  action: 'payments.charge',
  window: 5_900_000,
  requestHash: 'r1_O_RYBlmjM3jpK8vU3xRST4q0Su0PGyYOwYTdSmguVIU',
};
const derived = derivedToken(components);

describe('tokens', () => {
  test('never change for the same components', () => {
    expect(derived).toBe('t1_Uw4GtoPGVzxs1XsyNg1rmpM3TTYiWzEidcHPPTyONrc');
    expect(keyToken(namespace, 'bestellüng')).toBe(
      'k1_7mMo_XumywLOfSyw6RpnCiJOpKN8inCOG-ybxTyTsPU',
    );
    expect(childToken(derived, 'charge', 0)).toBe('s1_v7R9Pula8cHdp2nTfO5kOBpis4yKSatPqB9iQFnaea0');
    expect(documentId(namespace, derived)).toBe('KVWiIuOtLYEqECaFan53VUTjmn7HMDY2srRgTw6OOi0');
    expect(shownToken(derived)).toBe('h1_5tnwRb4Up_xgI50_');
  });

  test('are parsed from their own text', () => {
    for (const token of [derived, keyToken(namespace, 'a'), childToken(derived, 'a', 1)]) {
      expect(parseToken(token)).toBe(token);
    }
  });

  test.each([
    ['', derived.slice(0, -1), `${derived}A`, ` ${derived}`, `${derived}\n`],
    [derived.replace('t1_', 't2_'), derived.replace('t1_', 'r1_'), derived.slice(3)],
    [derived.replace(/.$/, 'd'), derived.replace(/.{5}$/, '+/AAA'), shownToken(derived)],
  ])('are not parsed from anything else', (...texts) => {
    for (const text of texts) expect(parseToken(text)).toBeUndefined();
  });
});

describe('derivedToken', () => {
  test('differs with each component', () => {
    const others = [
      derivedToken({ ...components, namespace: 'shop-2' as Namespace }),
      derivedToken({ ...components, scope: 'order-18' }),
      derivedToken({ ...components, agent: 'payments-2' }),
      derivedToken({ ...components, action: 'payments.refund' }),
      derivedToken({ ...components, window: 5_900_001 }),
      derivedToken({ ...components, requestHash: 'r1_other' }),
      derivedToken({ ...components, scope: components.agent, agent: components.scope }),
    ];
    expect(new Set([derived, ...others]).size).toBe(others.length + 1);
  });

  test.each(['namespace', 'scope', 'agent', 'action', 'window', 'requestHash'])(
    'refuses to go without its %s',
    (component) => {
      const nothings = component === 'window' ? [undefined, null] : ['', undefined, null];
      for (const nothing of nothings) {
        const derive = () => derivedToken({ ...components, [component]: nothing });
        expect(derive).toThrow(MissingComponent);
        expect(derive).toThrow(expect.objectContaining({ component }));
      }
    },
  );

  test.each([1.5, Number.NaN, 2 ** 53])('refuses %d as a window', (window) => {
    expect(() => derivedToken({ ...components, window })).toThrow(MalformedComponent);
  });
});

describe('keyToken', () => {
  test('differs with the namespace and the key', () => {
    const tokens = [
      keyToken(namespace, 'a'),
      keyToken(namespace, 'b'),
      keyToken('shop-2' as Namespace, 'a'),
      keyToken('sho' as Namespace, 'pa'),
    ];
    expect(new Set(tokens).size).toBe(tokens.length);
  });

  test('takes keys of 1 to 512 bytes', () => {
    expect(keyToken(namespace, 'ü'.repeat(256))).toMatch(/^k1_/);
    expect(() => keyToken(namespace, `${'ü'.repeat(256)}a`)).toThrow('longer than 512 bytes');
    expect(() => keyToken(namespace, '')).toThrow(MissingComponent);
    expect(() => keyToken(namespace, undefined as unknown as string)).toThrow(MissingComponent);
    expect(() => keyToken('' as Namespace, 'a')).toThrow('"namespace" is missing');
  });
});

describe('childToken', () => {
  test('differs with the root, the path and the occurrence', () => {
    const tokens = [
      childToken(derived, 'a', 1),
      childToken(derived, 'a', 11),
      childToken(derived, 'a1', 1),
      childToken(derived, 'b', 1),
      childToken(keyToken(namespace, 'r'), 'a', 1),
    ];
    expect(new Set(tokens).size).toBe(tokens.length);
  });

  test('refuses a missing root, path or occurrence, and one that does not count', () => {
    expect(() => childToken(undefined as never, 'a', 0)).toThrow('"root" is missing');
    expect(() => childToken(derived, '', 0)).toThrow('"path" is missing');
    expect(() => childToken(derived, 'a', undefined as never)).toThrow('"occurrence" is missing');
    for (const occurrence of [-1, 0.5, Number.NaN, Infinity]) {
      expect(() => childToken(derived, 'a', occurrence)).toThrow(MalformedComponent);
    }
  });
});

describe('documents and shards', () => {
  test('a document id is valid in Firestore, and tells namespaces and tokens apart', () => {
    const ids = new Set<string>();
    for (let key = 0; key < 5_000; key += 1) {
      for (const name of ['a', 'b'] as Namespace[]) {
        const id = documentId(name, keyToken(namespace, `key-${key}`));
        expect(id).toMatch(/^[A-Za-z0-9_-]{43}$/);
        expect(id.endsWith('_')).toBe(false);
        ids.add(id);
      }
    }
    expect(ids.size).toBe(10_000);
  });

  test('shards are spread evenly', () => {
    for (const shards of [1, 7, 16]) {
      const counts = Array.from({ length: shards }, () => 0);
      for (let key = 0; key < 16_000; key += 1) {
        const shard = shardOf(documentId(namespace, keyToken(namespace, `key-${key}`)), shards);
        counts[shard] = (counts[shard] ?? Number.NaN) + 1;
      }
      for (const count of counts) expect(Math.abs(count * shards - 16_000)).toBeLessThan(3_200);
    }
  });

  test('no shards, parts of shards and texts that are no document id are refused', () => {
    const id = documentId(namespace, derived);
    for (const shards of [0, -1, 1.5, Number.NaN])
      expect(() => shardOf(id, shards)).toThrow(RangeError);
    expect(() => shardOf('', 4)).toThrow('is no document id');
  });
});

describe('names', () => {
  test.each(['a', 'shop', 'shop-2', 'a'.repeat(63)])('%s is a namespace', (text) => {
    expect(parseNamespace(text)).toBe(text);
  });

  test.each(['', 'Shop', '2shop', '-a', 'a_b', 'a.b', 'a'.repeat(64), 'a\n', 'ä'])(
    '%j is no namespace',
    (text) => {
      expect(parseNamespace(text)).toBeUndefined();
    },
  );

  test.each(['charge', 'payments.charge', 'a_b.c-d.e1', `${'a'.repeat(63)}.${'b'.repeat(64)}`])(
    '%s is an action',
    (text) => {
      expect(parseAction(text)).toBe(text);
    },
  );

  test.each(['', '.', 'a.', '.a', 'a..b', 'A', 'a.1', 'a b', 'a\n', 'a'.repeat(129)])(
    '%j is no action',
    (text) => {
      expect(parseAction(text)).toBeUndefined();
    },
  );

  test('parsing a long text takes no long time', () => {
    fc.assert(
      fc.property(fc.constantFrom('a', 'a.', 'a-', '.'), (unit) => {
        expect(parseAction(`${unit.repeat(50_000)}!`)).toBeUndefined();
      }),
    );
  });
});

describe('shownToken', () => {
  test('is short, the same for the same token, and holds nothing of it', () => {
    const shown = shownToken(derived);
    expect(shown).toMatch(/^h1_[A-Za-z0-9_-]{16}$/);
    expect(shownToken(keyToken(namespace, 'a'))).not.toBe(shown);
    expect(derived).not.toContain(shown.slice(3, 9));
  });
});
