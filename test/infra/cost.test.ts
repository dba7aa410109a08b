import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { countOperations } from '../../scripts/cost/count-operations.ts';
import type { Situation } from '../../scripts/cost/count-operations.ts';
import { costPage, costPerMillion } from '../../scripts/cost/page.ts';

describe('the cost page', () => {
  let situations: readonly Situation[];
  beforeAll(async () => {
    situations = await countOperations();
  });
  const of = (what: string): Situation => {
    const found = situations.find((each) => each.what.startsWith(what));
    if (!found) throw new Error(`Nothing is counted for ${what}.`);
    return found;
  };

  it('counts what the budget allows, and no more', () => {
    expect(of('a step, `pure`')).toMatchObject({ writes: 2, reads: 0, messages: 1 });
    expect(of('a step, `reconcilable`')).toMatchObject({ writes: 3, reads: 0 });
    expect(of('a step with a follow-up')).toMatchObject({ writes: 3, reads: 0 });
    expect(of('a duplicate, to the instance')).toMatchObject({ writes: 0, reads: 0 });
    expect(of('a duplicate, to another')).toMatchObject({ writes: 1, reads: 1 });
    // Of the thousand archived together: the look that finds no more counts as a read, too.
    expect(of('archiving')).toMatchObject({ writes: 1, reads: 1.001, deletes: 1, objects: 0.001 });
  });

  it('multiplies by the price table', () => {
    const { firestore, pubsub, storage } = costPerMillion(of('a step, `pure`'), 'multi-region');
    expect(firestore).toBeCloseTo(3.6, 6);
    expect(pubsub).toBeCloseTo((40 * 2_000 * 1e6) / 2 ** 40, 6);
    expect(storage).toBe(0);
    const archived = costPerMillion(of('archiving'), 'multi-region');
    expect(archived.firestore).toBeCloseTo(1.8 + 0.6 * 1.001 + 0.2, 6);
    expect(archived.storage).toBeCloseTo(0.005, 6);
  });

  it('is what the script writes', () => {
    const page = readFileSync(new URL('../../docs/cost.md', import.meta.url), 'utf8');
    expect(page).toBe(costPage(situations));
  });
});
