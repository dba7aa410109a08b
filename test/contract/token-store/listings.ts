import { describe, expect, test } from 'vitest';
import type { StoredOperation } from '../../../functions/src/operation/record.ts';
import type { Listing, Page } from '../../../functions/src/ports/token-store.ts';
import { createTokenStore } from '../../../functions/src/store/token-store.ts';
import { keyToken } from '../../../functions/src/token/token.ts';
import type { Namespace, Token } from '../../../functions/src/token/token.ts';
import { benchFor, bringTo, LIVE_MS, RESULT, SHORT_MS, STANDINGS, TASK } from './fixture.ts';
import type { Backend, Bench } from './fixture.ts';

const SHOP = 'shop' as Namespace;
const ROOT = keyToken(SHOP, 'workflow-1');

function tokens(count: number, prefix = 'item'): Token[] {
  return Array.from({ length: count }, (_, index) => keyToken(SHOP, `${prefix}-${index}`));
}

const MOST_PAGES = 50;

/** Every page's operations, page by page. */
async function pages(
  list: (page: Page) => Promise<Listing>,
  limit: number,
): Promise<readonly StoredOperation[][]> {
  const all: StoredOperation[][] = [];
  let after: string | undefined;
  do {
    const { operations, next } = await list(after === undefined ? { limit } : { limit, after });
    all.push([...operations]);
    after = next;
    if (all.length > MOST_PAGES) throw new Error('The pages do not end.');
  } while (after !== undefined);
  return all;
}

function tokensOf(operations: readonly StoredOperation[]): Token[] {
  return operations.map(({ record }) => record.token);
}

async function claimAll(
  { store, request }: Bench,
  facts: readonly { token: Token; root?: Token; logicalTime?: number }[],
): Promise<void> {
  await Promise.all(facts.map((fact) => store.claim(request(fact))));
}

/** Reading many: the ledger of a workflow, what stands in a status, what is due. */
export function listingContract(backend: Backend): void {
  const bench = benchFor(backend);

  describe('get many', () => {
    test('answers in the order asked, absent and repeated ones in their places', async () => {
      const { store } = bench();
      const [a, b, c] = tokens(3) as [Token, Token, Token];
      await claimAll(bench(), [{ token: a }, { token: c }]);
      const found = await store.getMany(SHOP, [c, b, a, c]);
      expect(found.map((operation) => operation?.record.token)).toEqual([c, undefined, a, c]);
    });

    test('answers nothing for nothing', async () => {
      expect(await bench().store.getMany(SHOP, [])).toEqual([]);
    });
  });

  describe('the ledger', () => {
    const TIMES = [30, 4, 200, 4, 1, 100, 4];
    const facts = tokens(TIMES.length).map((token, index) => ({
      token,
      root: ROOT,
      logicalTime: TIMES[index] ?? 0,
    }));

    test.each([1, 2, 3, 7, 100])(
      'lists a workflow in the order of logical time, in pages of %d, each operation once',
      async (limit) => {
        const { store } = bench();
        await claimAll(bench(), facts);
        const listed = await pages((page) => store.ledger(SHOP, ROOT, page), limit);
        const operations = listed.flat();
        expect(operations.map(({ record }) => record.logicalTime)).toEqual([
          1, 4, 4, 4, 30, 100, 200,
        ]);
        expect(new Set(tokensOf(operations))).toEqual(new Set(facts.map(({ token }) => token)));
        for (const page of listed) expect(page.length).toBeLessThanOrEqual(limit);
        expect(operations[0]).toEqual(await store.get(SHOP, facts[4]!.token));
      },
    );

    test('lists one workflow of one namespace, in whatever status its operations are', async () => {
      const { store, request } = bench();
      for (const [index, standing] of STANDINGS.entries()) {
        const token = keyToken(SHOP, standing);
        await bringTo(bench(), standing, request({ token, root: ROOT, logicalTime: index }));
      }
      await store.claim(request({ token: keyToken(SHOP, 'other') }));
      await store.claim(request({ namespace: 'bank' as Namespace, root: ROOT }));
      const { operations, next } = await store.ledger(SHOP, ROOT, { limit: 100 });
      expect(tokensOf(operations)).toEqual(STANDINGS.map((standing) => keyToken(SHOP, standing)));
      expect(next).toBeUndefined();
    });
  });

  describe('by status', () => {
    test.each(STANDINGS)('finds what is %s, of one namespace', async (standing) => {
      const { store, request } = bench();
      const asked = request();
      await bringTo(bench(), standing, asked);
      await bringTo(bench(), standing, request({ namespace: 'bank' as Namespace }));
      const status = standing === 'unsent' ? 'completed' : standing;
      const { operations } = await store.byStatus(SHOP, status, { limit: 10 });
      expect(operations).toEqual([await store.get(SHOP, asked.facts.token)]);
      const other = status === 'claimed' ? 'completed' : 'claimed';
      expect(await store.byStatus(SHOP, other, { limit: 10 })).toEqual({ operations: [] });
    });

    test('lists each operation once, in pages', async () => {
      const { store } = bench();
      const all = tokens(7);
      await claimAll(
        bench(),
        all.map((token) => ({ token })),
      );
      const listed = await pages((page) => store.byStatus(SHOP, 'claimed', page), 3);
      expect(tokensOf(listed.flat()).toSorted()).toEqual(all.toSorted());
    });
  });

  describe('due', () => {
    test('is what lapsed, what has waited enough, and what has follow-ups to publish', async () => {
      const { store, request, win, advance } = bench();
      const [lapsed, waited, unsent] = tokens(3, 'due') as [Token, Token, Token];
      const task = { task: TASK };
      await store.claim(request({ token: lapsed }, { ...task, leaseMs: SHORT_MS }));
      const claim = await win(request({ token: waited }, task));
      await store.release(claim, { waitMs: SHORT_MS, started: false });
      await bringTo(bench(), 'unsent', request({ token: unsent }, task));

      const [live, waiting, later] = tokens(3, 'later') as [Token, Token, Token];
      await bringTo(bench(), 'claimed', request({ token: live }, task));
      await bringTo(bench(), 'released', request({ token: waiting }, task));
      const renewed = await win(request({ token: later }, { ...task, leaseMs: SHORT_MS }));
      await store.renew({ ...renewed, leaseMs: LIVE_MS });
      for (const standing of [
        'in_doubt',
        'completed',
        'failed',
        'cancelled',
        'archived',
      ] as const) {
        await bringTo(bench(), standing, request({ token: keyToken(SHOP, standing) }, task));
      }

      await advance(SHORT_MS + 2);
      const { operations } = await store.due(0, { limit: 100 });
      expect(tokensOf(operations).toSorted()).toEqual([lapsed, waited, unsent].toSorted());
    });

    test('is nothing that only its caller can drive on, since no task is stored', async () => {
      const { store, request, win, advance } = bench();
      const [lapsed, waited, resolved] = tokens(3) as [Token, Token, Token];
      await store.claim(request({ token: lapsed }, { leaseMs: SHORT_MS }));
      await store.release(await win(request({ token: waited })), { waitMs: 0, started: false });
      const doubted = request({ token: resolved });
      await bringTo(bench(), 'in_doubt', doubted);
      await bench().override(doubted, { verb: 'resolve_not_done' });
      await advance(SHORT_MS + 2);
      expect(await store.due(0, { limit: 10 })).toEqual({ operations: [] });
    });

    test('is over once it is dealt with', async () => {
      const { store, request, win, advance } = bench();
      const asked = request({}, { task: TASK, leaseMs: SHORT_MS });
      await win(asked);
      await advance(SHORT_MS + 2);
      const due = async () => (await store.due(0, { limit: 10 })).operations.length;
      expect(await due()).toBe(1);
      const next = await win(request({}, { leaseMs: LIVE_MS }));
      expect(await due()).toBe(0);
      await store.complete(next, { result: RESULT });
      expect(await due()).toBe(0);
    });

    test('is listed the longest overdue first, in pages, each operation once', async () => {
      const { store, request, advance } = bench();
      const all = tokens(7);
      for (const [index, token] of all.entries()) {
        const leaseMs = 10 * (all.length - index);
        await store.claim(request({ token }, { task: TASK, leaseMs }));
      }
      await advance(SHORT_MS);
      const listed = (await pages((page) => store.due(0, page), 3)).flat();
      expect(tokensOf(listed).toSorted()).toEqual(all.toSorted());
      const times = listed.map(({ record }) => ('dueAt' in record ? (record.dueAt ?? 0) : 0));
      expect(times).toEqual(times.toSorted((a, b) => a - b));
    });

    test('is spread over shards, each operation in one of them', async () => {
      const { documents, request, advance } = bench();
      const store = createTokenStore(documents, { shards: 4 });
      const all = tokens(24);
      const rest = { task: TASK, leaseMs: SHORT_MS };
      await Promise.all(all.map((token) => store.claim(request({ token }, rest))));
      await advance(SHORT_MS + 2);
      const shards = [0, 1, 2, 3].map((shard) => store.due(shard, { limit: 100 }));
      const listed = (await Promise.all(shards)).map(({ operations }) => tokensOf(operations));
      expect(listed.flat().toSorted()).toEqual(all.toSorted());
      expect(listed.filter((shard) => shard.length > 0).length).toBeGreaterThan(1);
    });
  });
}
