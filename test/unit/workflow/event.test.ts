import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Namespace, Token } from '../../../functions/src/token/token.ts';
import {
  comparePositions,
  eventDocumentId,
  foldDuplicates,
  snapshotDocumentId,
  startFold,
} from '../../../functions/src/workflow/event.ts';
import type { EventPosition } from '../../../functions/src/workflow/event.ts';

const SHOP = 'shop' as Namespace;
const ROOT = 'k1_root' as Token;

const positions = fc.record({
  logicalTime: fc.nat(4),
  token: fc.constantFrom('a', 'B', 'b', 'aa', '_').map((token) => token as Token),
});

interface Noted extends EventPosition {
  readonly note: number;
}

const NOTES = {
  initial: [] as readonly number[],
  apply: (notes: readonly number[], { note }: Noted) => [...notes, note],
};

describe('the order of events', () => {
  test('is by logical time, then by the token’s code units', () => {
    const inOrder = [
      [1, 'z'],
      [2, 'B'],
      [2, '_'],
      [2, 'a'],
      [2, 'aa'],
      [10, 'A'],
    ].map(([logicalTime, token]) => ({ logicalTime, token }) as EventPosition);
    expect(inOrder.toReversed().toSorted(comparePositions)).toEqual(inOrder);
  });

  test('is total: equal only where time and token are', () => {
    fc.assert(
      fc.property(positions, positions, (a, b) => {
        const equal = a.logicalTime === b.logicalTime && a.token === b.token;
        expect(comparePositions(a, b) === 0).toBe(equal);
        expect(Math.sign(comparePositions(a, b)) + Math.sign(comparePositions(b, a))).toBe(0);
      }),
    );
    fc.assert(
      fc.property(fc.array(positions), (all) => {
        const sorted = all.toSorted(comparePositions);
        const against = all.toReversed().toSorted(comparePositions);
        expect(against).toEqual(sorted);
      }),
    );
  });
});

describe('duplicates', () => {
  const noted = (token: string, note: number): Noted => ({
    logicalTime: note,
    token: token as Token,
    note,
  });

  test('fold into the first event of their token, in place', () => {
    const events = [noted('a', 1), noted('b', 2), noted('a', 3), noted('c', 4), noted('b', 5)];
    expect(foldDuplicates(events).map(({ note }) => note)).toEqual([1, 2, 4]);
  });

  test('leave a replay’s state as it is without them', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(8), { maxLength: 40 }), (keys) => {
        const events = keys.map((key, note) => noted(`event-${key}`, note));
        const [withThem, without] = [startFold(NOTES), startFold(NOTES)];
        for (const event of events) withThem.take(event);
        for (const event of foldDuplicates(events)) without.take(event);
        expect(withThem.state).toEqual(without.state);
        expect(withThem.state).toHaveLength(new Set(keys).size);
      }),
    );
  });
});

describe('a fold', () => {
  test('goes on from the state it is given', () => {
    const fold = startFold(NOTES, [7, 8]);
    fold.take({ logicalTime: 1, token: 'a' as Token, note: 9 });
    expect(fold.state).toEqual([7, 8, 9]);
  });

  test('keeps the initial state from a reducer that changes it in place', () => {
    const inPlace = {
      initial: { notes: [] as number[] },
      apply(state: { notes: number[] }, { note }: Noted) {
        state.notes.push(note);
        return state;
      },
    };
    startFold(inPlace).take({ logicalTime: 1, token: 'a' as Token, note: 1 });
    expect(inPlace.initial).toEqual({ notes: [] });
  });
});

describe('the ids of documents', () => {
  test('are fixed, since stored documents are found by them', () => {
    expect(eventDocumentId(SHOP, ROOT, 'k1_a' as Token)).toBe(
      'vzcr-mKflTcXCC17p1Cz9Dd8T4-aPGGAMivhLphyxOY',
    );
    expect(snapshotDocumentId(SHOP, ROOT, 'total@1')).toBe(
      'KclwOA_FxVCOPm4SHyY3-O8Mta7fdOeaZLLst1-BcbI',
    );
  });

  test('differ by namespace, root, and token or reducer', () => {
    const [bank, other, a, b] = ['bank', 'k1_other', 'k1_a', 'k1_b'] as [
      Namespace,
      Token,
      Token,
      Token,
    ];
    const ids = [
      eventDocumentId(SHOP, ROOT, a),
      eventDocumentId(SHOP, ROOT, b),
      eventDocumentId(SHOP, other, a),
      eventDocumentId(bank, ROOT, a),
      snapshotDocumentId(SHOP, ROOT, 'total@1'),
      snapshotDocumentId(SHOP, ROOT, 'total@2'),
      snapshotDocumentId(SHOP, other, 'total@1'),
      snapshotDocumentId(bank, ROOT, 'total@1'),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });
});
