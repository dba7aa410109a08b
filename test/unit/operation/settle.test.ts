import { describe, expect, test } from 'vitest';
import { decideSettle } from '../../../functions/src/operation/settle.ts';
import { RECORDS, stored } from '../../support/operation-records.ts';

const { claimId, fence } = RECORDS.claimed;
const claim = { claimId, fence };
const { claimed, ...settled } = RECORDS;

describe('a write that was refused or not answered', () => {
  test('is to be repeated on the new revision while the claim still holds', () => {
    const decision = decideSettle({ ...stored(claimed), revision: 'revision-8' }, claim);
    expect(decision).toEqual({ kind: 'repeat', revision: 'revision-8' });
  });

  test.each(Object.values(settled))(
    'is over where the record is $status under the same claim',
    (record) => {
      const found = stored(record);
      expect(decideSettle(found, claim)).toEqual({ kind: 'done', found });
    },
  );

  test('is lost where the record is gone', () => {
    expect(decideSettle(undefined, claim)).toEqual({ kind: 'lost' });
  });

  test.each(Object.values(RECORDS))(
    'is lost where the record is $status under a later claim',
    (record) => {
      const found = stored({ ...record, claimId: 'claim-b', fence: fence + 1 });
      expect(decideSettle(found, claim)).toEqual({ kind: 'lost' });
    },
  );

  test.each(Object.values(RECORDS))(
    'is lost where an override raised the fence of the $status record',
    (record) => {
      expect(decideSettle(stored({ ...record, fence: fence + 1 }), claim)).toEqual({
        kind: 'lost',
      });
    },
  );

  test('is lost where the same fence belongs to another claim', () => {
    const found = stored({ ...claimed, claimId: 'claim-b' });
    expect(decideSettle(found, claim)).toEqual({ kind: 'lost' });
  });
});
