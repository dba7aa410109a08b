import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { archiveShardHandler } from '../../../functions/src/handlers/archive-shard.ts';
import { archiveTickHandler } from '../../../functions/src/handlers/archive-tick.ts';
import type { PushRequest } from '../../../functions/src/handlers/push-request.ts';
import type { ArchiveQueue, ShardOrder } from '../../../functions/src/ports/archive-queue.ts';
import type { ColdStorage } from '../../../functions/src/ports/cold-storage.ts';
import type { VerifyCaller } from '../../../functions/src/ports/verify-caller.ts';
import { archiveWorld } from '../../support/archive-world.ts';
import type { ArchiveWorld } from '../../support/archive-world.ts';

const SCHEMA = 'agent-once/archive-shard@1';
const REFUSED: VerifyCaller = async () => ({ kind: 'refused', status: 403, why: 'a test' });

const servers: ReturnType<typeof createServer>[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

type Handler = (request: IncomingMessage & PushRequest, response: ServerResponse) => Promise<void>;

async function posted(handle: Handler, body: unknown = {}, method = 'POST') {
  const server = createServer((request, response) => void handle(request, response));
  servers.push(server);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/`, {
    method,
    ...(method === 'POST' && { body: JSON.stringify(body) }),
    headers: { 'content-type': 'text/plain' },
  });
  return { status: response.status, text: await response.text() };
}

function ordersQueue(fails = false): { queue: ArchiveQueue; orders: ShardOrder[] } {
  const orders: ShardOrder[] = [];
  const queue: ArchiveQueue = {
    async publish(published) {
      if (fails) throw new Error('no route to the topic');
      orders.push(...published);
    },
  };
  return { queue, orders };
}

function message(data: unknown): unknown {
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  return { message: { messageId: '1', data: Buffer.from(text).toString('base64') } };
}

interface Around {
  readonly cold?: ColdStorage;
  readonly verifyCaller?: VerifyCaller;
  readonly budgetMs?: number;
  readonly runtime?: ArchiveWorld['runtime'];
}

function shardFunction(
  world: ArchiveWorld,
  { queue }: { queue: ArchiveQueue },
  around: Around = {},
) {
  const events: { severity: string; message: string; fields: unknown }[] = [];
  const { cold = world.cold, verifyCaller = 'unverified', budgetMs = Infinity } = around;
  const telemetry = {
    decision() {},
    event: (severity: string, told: string, fields: unknown) =>
      void events.push({ severity, message: told, fields }),
  };
  const runtime = { ...(around.runtime ?? world.runtime), telemetry };
  return { events, handle: archiveShardHandler({ runtime, cold, queue, budgetMs, verifyCaller }) };
}

describe('archive-tick', () => {
  test('orders every shard once, up to now', async () => {
    const world = archiveWorld();
    const { queue, orders } = ordersQueue();
    const runtime = { ...world.runtime, store: { ...world.store, shards: 3 } };
    const handle = archiveTickHandler({ runtime, queue, verifyCaller: 'unverified' });
    expect(await posted(handle)).toEqual({ status: 200, text: '{"shards":3}\n' });
    const until = world.clock.now();
    expect(orders).toEqual([0, 1, 2].map((shard) => ({ shard, until })));
  });

  test('is refused to whoever can’t prove to be the scheduler', async () => {
    const { queue, orders } = ordersQueue();
    const { runtime } = archiveWorld();
    const handle = archiveTickHandler({ runtime, queue, verifyCaller: REFUSED });
    expect((await posted(handle)).status).toBe(403);
    expect((await posted(handle, undefined, 'GET')).status).toBe(405);
    expect(orders).toEqual([]);
  });

  test('answers 503 where the topic is away, so that the scheduler tries again', async () => {
    const { queue } = ordersQueue(true);
    const { runtime } = archiveWorld();
    const handle = archiveTickHandler({ runtime, queue, verifyCaller: 'unverified' });
    expect((await posted(handle)).status).toBe(503);
  });
});

describe('archive-shard', () => {
  async function expired(count: number) {
    const world = archiveWorld();
    const tokens = await world.completed(count);
    world.expire();
    return { world, tokens, order: { schema: SCHEMA, shard: 0, until: world.clock.now() } };
  }

  test('archives its shard, logs what it did, and acknowledges', async () => {
    const { world, tokens, order } = await expired(5);
    const orders = ordersQueue();
    const { handle, events } = shardFunction(world, orders);
    expect((await posted(handle, message(order))).status).toBe(204);
    for (const token of tokens) expect((await world.record(token)).status).toBe('archived');
    expect(orders.orders).toEqual([]);
    expect(events).toEqual([
      {
        severity: 'INFO',
        message: 'Archived',
        fields: {
          archived: expect.objectContaining({ shard: 0, moved: 5, objects: 1, handedOn: false }),
        },
      },
    ]);
  });

  test('hands on what its time does not suffice for, until nothing is left', async () => {
    const { world, tokens, order } = await expired(300);
    const orders = ordersQueue();
    const slowly = {
      ...world.runtime,
      store: {
        ...world.store,
        expired(...asked: Parameters<typeof world.store.expired>) {
          world.clock.advance(1_000);
          return world.store.expired(...asked);
        },
      },
    };
    const { handle } = shardFunction(world, orders, { budgetMs: 500, runtime: slowly });
    let next: unknown = order;
    let rounds = 0;
    const handedOn: (ShardOrder | undefined)[] = [];
    for (; next !== undefined; rounds += 1) {
      expect((await posted(handle, message(next))).status).toBe(204);
      const following = orders.orders.shift();
      next = following && { schema: SCHEMA, ...following };
      handedOn.push(following);
    }
    expect(rounds).toBeGreaterThan(1);
    for (const each of handedOn.slice(0, -1)) {
      expect(each).toMatchObject({ shard: 0, until: order.until });
    }
    for (const token of tokens) expect((await world.record(token)).status).toBe('archived');
  });

  test('delivered twice, at once or one after the other, does no harm', async () => {
    const { world, tokens, order } = await expired(5);
    const { handle } = shardFunction(world, ordersQueue());
    const twice = await Promise.all([1, 2].map(() => posted(handle, message(order))));
    expect(twice.map(({ status }) => status)).toEqual([204, 204]);
    expect((await posted(handle, message(order))).status).toBe(204);
    expect((await world.exported()).map(({ token }) => token).toSorted()).toEqual(
      tokens.toSorted(),
    );
  });

  test('answers 503 where cold storage is away, and the message comes again', async () => {
    const { world, tokens, order } = await expired(2);
    const put = async (): Promise<never> => {
      throw new Error('bucket is gone');
    };
    const away = shardFunction(world, ordersQueue(), { cold: { ...world.cold, put } });
    expect((await posted(away.handle, message(order))).status).toBe(503);
    for (const token of tokens) expect((await world.record(token)).status).toBe('completed');
    expect(away.events).toMatchObject([{ severity: 'ERROR' }]);
    const { handle } = shardFunction(world, ordersQueue());
    expect((await posted(handle, message(order))).status).toBe(204);
    for (const token of tokens) expect((await world.record(token)).status).toBe('archived');
  });

  test('a run that fails logs what it moved, and no lag', async () => {
    const { world, order } = await expired(30);
    let writes = 0;
    const runtime = world.runtimeOf({
      documents: (real) => ({
        ...real,
        async update(...asked) {
          writes += 1;
          if (writes === 20) throw new Error('No route.');
          return real.update(...asked);
        },
      }),
    });
    const { handle, events } = shardFunction(world, ordersQueue(), { runtime });
    expect((await posted(handle, message(order))).status).toBe(503);
    const told = events.find((event) => event.message === 'Archived');
    expect(told).toMatchObject({ fields: { archived: { shard: 0, moved: 29, failed: true } } });
    expect(told).not.toHaveProperty('fields.archived.lagMs');
  });

  test.each([
    ['no JSON', message('nonsense')],
    ['another schema', message({ schema: 'other@1', shard: 0, until: 1 })],
    ['a shard that is not there', message({ schema: SCHEMA, shard: 1, until: 1 })],
    ['a place that no run left', message({ schema: SCHEMA, shard: 0, until: 1, after: '["x"]' })],
    ['no message at all', { hello: 1 }],
  ])('drops what is %s, and says so', async (_what, body) => {
    const { world, tokens } = await expired(1);
    const { handle, events } = shardFunction(world, ordersQueue());
    expect((await posted(handle, body)).status).toBe(204);
    expect(events).toMatchObject([{ severity: 'ERROR' }]);
    expect((await world.record(tokens[0]!)).status).toBe('completed');
  });

  test('is refused to whoever can’t prove to be the subscription', async () => {
    const { world, tokens, order } = await expired(1);
    const { handle } = shardFunction(world, ordersQueue(), { verifyCaller: REFUSED });
    expect((await posted(handle, message(order))).status).toBe(403);
    expect((await posted(handle, undefined, 'GET')).status).toBe(405);
    expect((await world.record(tokens[0]!)).status).toBe('completed');
  });
});
