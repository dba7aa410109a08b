import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Namespace, Token } from '../../../functions/src/token/token.ts';
import { keyToken } from '../../../functions/src/token/token.ts';
import { backoffMs } from '../../../functions/src/workflow/backoff.ts';
import {
  decideWrite,
  entityId,
  headDocumentId,
  parseEntityId,
  versionDocumentId,
} from '../../../functions/src/workflow/state.ts';
import type { EntityId, StateVersion } from '../../../functions/src/workflow/state.ts';

const SHOP = 'shop' as Namespace;
const BANK = 'bank' as Namespace;

describe('the id of an entity', () => {
  test.each([
    ['account', '4711'],
    ['stock.item', 'a/b c@d.example'],
    ['a-b_c', 'Ωmega, 東京'],
    ['account', 'x'.repeat(504)],
  ])('%s with id %s is one', (kind, id) => {
    expect(entityId(kind, id)).toBe(`${kind}/${id}`);
    expect(parseEntityId(`${kind}/${id}`)).toBe(`${kind}/${id}`);
  });

  test.each([
    ['account', ''],
    ['', '4711'],
    ['Account', '4711'],
    ['account.', '4711'],
    ['account/sub', '4711'],
    ['account', 'line\nbreak'],
    ['account', 'null\0byte'],
    ['account', 'lone \ud800 surrogate'],
    ['account', 'x'.repeat(505)],
    ['account', 'é'.repeat(253)],
  ])('%s with id %j is none', (kind, id) => {
    expect(() => entityId(kind, id)).toThrow(/names no entity/);
  });

  test.each(['account', 'account/', '/4711', 'Account/4711'])('%s is none as a text', (text) => {
    expect(parseEntityId(text)).toBeUndefined();
  });
});

describe('whether a state may be written', () => {
  const applied: StateVersion = {
    version: 2,
    text: '1',
    schemaVersion: 1,
    token: 'k1_x' as Token,
    at: 0,
  };

  test.each([
    [0, undefined, 0, { kind: 'write' }],
    [3, undefined, 3, { kind: 'write' }],
    [0, undefined, 1, { kind: 'conflict', version: 0 }],
    [3, undefined, 0, { kind: 'conflict', version: 3 }],
    [3, undefined, 2, { kind: 'conflict', version: 3 }],
    [3, undefined, 4, { kind: 'conflict', version: 3 }],
    [3, undefined, Number.NaN, { kind: 'conflict', version: 3 }],
    [3, applied, 1, { kind: 'repeated', found: applied }],
    [3, applied, 3, { kind: 'repeated', found: applied }],
  ])('at version %d, token applied: %o, asked for %d: %o', (version, found, asked, decision) => {
    expect(decideWrite({ version, applied: found }, asked)).toEqual(decision);
  });
});

describe('the ids of its documents', () => {
  const account = 'account/1' as EntityId;
  const [a, b] = ['a', 'b'].map((key) => keyToken(SHOP, key)) as [Token, Token];

  test('are fixed, since stored documents are found by them', () => {
    expect(headDocumentId(SHOP, account)).toBe('nUjiFttmuT7RhkXjGprKjQaYRGtJFJXC0azwgViph_4');
    expect(versionDocumentId(SHOP, account, a)).toBe('iC0yspxeOzNm8fSppiL7tcSqCh9lirQukjimnNLxHKE');
  });

  test('differ by namespace, entity and token', () => {
    const ids = [
      headDocumentId(SHOP, account),
      headDocumentId(BANK, account),
      headDocumentId(SHOP, 'account/2' as EntityId),
      versionDocumentId(SHOP, account, a),
      versionDocumentId(SHOP, account, b),
      versionDocumentId(BANK, account, a),
      versionDocumentId(SHOP, 'account/2' as EntityId, a),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('the wait after a refused attempt', () => {
  const backoff = { firstMs: 50, longestMs: 1_000 };

  test('reaches up to a ceiling that doubles, as far as the longest', () => {
    const almostOne = 1 - Number.EPSILON;
    const ceilings = [1, 2, 3, 5, 6, 50, 5_000].map((attempt) =>
      backoffMs(attempt, almostOne, backoff),
    );
    expect(ceilings).toEqual([50, 100, 200, 800, 1_000, 1_000, 1_000]);
  });

  test('is spread from nothing on: full jitter', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempt, random) => {
          const ceiling = Math.min(1_000, 50 * 2 ** (attempt - 1));
          expect(backoffMs(attempt, random, backoff)).toBe(Math.round(ceiling * random));
        },
      ),
    );
    expect(backoffMs(9, 0, backoff)).toBe(0);
  });
});
