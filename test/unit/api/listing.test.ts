import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient } from '../../../functions/src/client/index.ts';
import type { Client, Operation, RecordStatus } from '../../../functions/src/client/index.ts';
import type { Telemetry } from '../../../functions/src/ports/telemetry.ts';
import { parseNamespace } from '../../../functions/src/token/token.ts';
import { DEVELOPMENT_TOKEN, serveApi } from './service.ts';
import type { ServedApi } from './service.ts';

let events: Parameters<Telemetry['event']>[];
let decisions: unknown[];
let api: ServedApi;
let client: Client;

beforeEach(async () => {
  [events, decisions] = [[], []];
  const telemetry: Telemetry = {
    decision: (decision) => void decisions.push(decision),
    event: (...event) => void events.push(event),
  };
  api = await serveApi({ runtime: { telemetry } });
  client = clientOf('operator@shop');
});

afterEach(() => api.close());

function clientOf(principal: string): Client {
  return createClient({ url: api.url, token: `${DEVELOPMENT_TOKEN}:${principal}` });
}

const CHARGE = { action: 'payments.charge', params: { cents: 100 } } as const;
const ERROR = { code: 'reset', message: 'socket hang up' };

async function begin(key: string, as = 'agent@shop'): Promise<{ handle: string; token: string }> {
  const begun = await clientOf(as).begin({ ...CHARGE, key });
  return begun as { handle: string; token: string };
}

async function inDoubt(key: string, as = 'agent@shop'): Promise<string> {
  const { handle, token } = await begin(key, as);
  await clientOf(as).fail(handle, ERROR);
  return token;
}

async function listed(status: RecordStatus, limit = 500): Promise<Operation[]> {
  const all: Operation[] = [];
  let after: string | undefined;
  do {
    const page = { limit, ...(after !== undefined && { after }) };
    const { operations, next } = await client.byStatus(status, page);
    expect(operations.length).toBeLessThanOrEqual(limit);
    all.push(...operations);
    after = next;
  } while (after !== undefined);
  return all;
}

const tokensOf = (operations: readonly { readonly token: string }[]) =>
  operations.map(({ token }) => token).toSorted();

/** One operation of each status that calls lead to. */
async function oneOfEach(): Promise<Readonly<Record<string, string>>> {
  const agent = clientOf('agent@shop');
  const [released, completed, failed] = [await begin('r'), await begin('c'), await begin('f')];
  await agent.release(released.handle, { notDone: true });
  await agent.complete(completed.handle, { charge: 'c1' });
  await agent.fail(failed.handle, ERROR, { notDone: true });
  return {
    claimed: (await begin('h')).token,
    released: released.token,
    completed: completed.token,
    failed: failed.token,
    in_doubt: await inDoubt('d'),
  };
}

describe('the listing', () => {
  it('has what is at a status, and nothing else', async () => {
    const tokens = await oneOfEach();
    for (const [status, token] of Object.entries(tokens)) {
      expect(tokensOf(await listed(status as RecordStatus))).toEqual([token]);
    }
    expect(await listed('cancelled')).toEqual([]);
    expect(await listed('archived')).toEqual([]);
  });

  it('tells of each what is asked about it by token, but for its result', async () => {
    const { completed = '', in_doubt: doubtful = '' } = await oneOfEach();
    const { result, ...known } = (await client.get({ token: completed }))!;
    expect(result).toEqual({ charge: 'c1' });
    expect(await listed('completed')).toEqual([known]);
    expect(await listed('in_doubt')).toEqual([await client.get({ token: doubtful })]);
  });

  it('follows an operation that a person resolves', async () => {
    const token = await inDoubt('d');
    const [found] = await listed('in_doubt');
    const verdict = {
      verb: 'resolve_done',
      result: 1,
      reason: 'asked',
      fence: found!.fence,
    } as const;
    await client.intervene(token, verdict);
    expect(await listed('in_doubt')).toEqual([]);
    expect(tokensOf(await listed('completed'))).toEqual([token]);
  });

  it('comes page by page, each operation once, also where one is resolved between', async () => {
    const tokens: string[] = [];
    for (let n = 0; n < 7; n += 1) tokens.push(await inDoubt(`order-${n}`));
    for (const limit of [1, 3, 7, 8]) {
      expect(tokensOf(await listed('in_doubt', limit))).toEqual(tokens.toSorted());
    }
    const first = await client.byStatus('in_doubt', { limit: 3 });
    for (const { token, fence } of first.operations) {
      await client.intervene(token, { verb: 'resolve_not_done', reason: 'asked', fence });
    }
    const rest = await client.byStatus('in_doubt', { limit: 500, after: first.next! });
    expect(tokensOf([...first.operations, ...rest.operations])).toEqual(tokens.toSorted());
  });

  it('has 100 to a page where no limit is given', async () => {
    for (let n = 0; n < 101; n += 1) await inDoubt(`order-${n}`);
    const first = await client.byStatus('in_doubt');
    expect(first.operations).toHaveLength(100);
    expect((await client.byStatus('in_doubt', { after: first.next! })).operations).toHaveLength(1);
  });

  it.each([
    ['', 'query.status'],
    ['?status=', 'query.status'],
    ['?status=lost', 'query.status'],
    ['?status=in_doubt&limit=0', 'query.limit'],
    ['?status=in_doubt&limit=501', 'query.limit'],
    ['?status=in_doubt&after=', 'query.after'],
    ['?status=in_doubt&namespace=bank', 'query'],
  ])('asked for as %j is refused, with the fault named', async (query, fault) => {
    const answer = await api.get(`/v1/operations${query}`, { as: 'reader@shop' });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid' } });
    const [told] = answer.body.faults as string[];
    expect(told?.split(': ')[0]).toBe(fault);
  });
});

describe('who may list', () => {
  it.each([
    ['reader@shop', 200],
    ['operator@shop', 200],
    ['agent@shop', 403],
    ['stranger@shop', 403],
  ])('%s is answered %d', async (as, status) => {
    expect((await api.get('/v1/operations?status=in_doubt', { as })).status).toBe(status);
  });

  it('is nobody without a token', async () => {
    const response = await fetch(`${api.url}/v1/operations?status=in_doubt`);
    expect(response.status).toBe(401);
  });

  it('sees the namespace that it has a role in, and in another one what that role allows', async () => {
    const [shop, bank] = [await inDoubt('order-17'), await inDoubt('order-17', 'agent@bank')];
    expect(tokensOf(await listed('in_doubt'))).toEqual([shop]);
    const asked = (as: string, namespace: string) =>
      api.get('/v1/operations?status=in_doubt', {
        as,
        headers: { 'Agent-Once-Namespace': namespace },
      });
    expect(tokensOf((await asked('agent@bank', 'bank')).body.operations)).toEqual([bank]);
    expect(tokensOf((await asked('agent@both', 'bank')).body.operations)).toEqual([bank]);
    expect((await asked('agent@both', 'shop')).status).toBe(403);
    expect((await asked('operator@shop', 'bank')).status).toBe(403);
  });
});

describe('a page’s token', () => {
  const page = (after: string, as: string, status = 'in_doubt') =>
    api.get(`/v1/operations?status=${status}&limit=1&after=${after}`, { as });

  async function firstOf(as: string): Promise<string> {
    const { body } = await api.get('/v1/operations?status=in_doubt&limit=1', { as });
    return body.next as string;
  }

  beforeEach(async () => {
    for (const as of ['agent@shop', 'agent@bank']) {
      for (const key of ['a', 'b']) await inDoubt(key, as);
    }
  });

  it('fits only the namespace and the status that it was given for', async () => {
    const shop = await firstOf('reader@shop');
    expect((await page(shop, 'reader@shop')).status).toBe(200);
    expect((await page(shop, 'operator@shop')).status).toBe(200);
    for (const refused of [
      await page(shop, 'agent@bank'),
      await page(await firstOf('agent@bank'), 'reader@shop'),
      await page(shop, 'reader@shop', 'completed'),
    ]) {
      expect(refused).toMatchObject({ status: 400, body: { code: 'invalid' } });
      expect(refused.body.faults).toEqual(['query.after: is no `next` of an answer before']);
    }
  });

  it('tells neither namespace nor operation', async () => {
    const shop = await firstOf('reader@shop');
    const inside = Buffer.from(shop, 'base64url').toString();
    expect(inside).not.toContain('shop');
    for (const { token } of await listed('in_doubt')) {
      expect(inside).not.toContain(token.slice(3));
    }
  });

  it('that was changed, or is a position of the store’s own, is refused', async () => {
    const shop = await firstOf('reader@shop');
    const inside = Buffer.from(shop, 'base64url').toString();
    const namespace = parseNamespace('shop')!;
    const { next = '' } = await api.runtime.store.byStatus(namespace, 'in_doubt', { limit: 1 });
    for (const text of [next, `x${inside.slice(1)}`, `${inside.slice(0, -3)}x"]`, `${inside} `]) {
      const after = Buffer.from(text).toString('base64url');
      expect((await page(after, 'reader@shop')).status).toBe(400);
    }
  });
});

it('is logged as a line of its own, and as no decision about an operation', async () => {
  await inDoubt('a');
  [events, decisions] = [[], []];
  const traceparent = `00-${'a1'.repeat(16)}-${'b2'.repeat(8)}-01`;
  const headers = { traceparent };
  await api.get('/v1/operations?status=in_doubt', { as: 'reader@shop', headers });
  expect(decisions).toEqual([]);
  const listing = {
    namespace: 'shop',
    status: 'in_doubt',
    count: 1,
    store: 'embedded',
    milliseconds: expect.any(Number) as number,
    trace: traceparent,
  };
  expect(events).toEqual([['INFO', 'Operations were listed', { listing }]]);
});
