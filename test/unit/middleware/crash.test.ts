import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { embeddedStore } from '../../../functions/src/adapters/embedded/store.ts';
import { systemClock } from '../../../functions/src/adapters/system/clock.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';
import { FRAMEWORKS, serveRoute } from './servers.ts';
import type { Framework, RouteOptions } from './servers.ts';

/** What the provider was asked for, by the key that came along. */
let keys: string[];
let provider: string;
let close: () => void;

beforeEach(async () => {
  keys = [];
  const server = createServer((request, response) => {
    void text(request).then((key) => {
      keys.push(key);
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  provider = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  close = () => {
    server.closeAllConnections();
    server.close();
  };
});

afterEach(() => close());

const ASKED = {
  method: 'POST',
  headers: {
    'Idempotency-Key': 'order-17',
    'X-Caller': 'ann@shop',
    'Content-Type': 'application/json',
  },
  body: '{"cents":100}',
};

/** A process serves the request, and is killed after its effect. Then another serves it. */
async function crashAndAskAgain(framework: Framework, options: RouteOptions) {
  const file = join(await scratchFolder(), 'operations.db');
  const script = join(import.meta.dirname, 'crashing-server.ts');
  const args = [script, framework, file, provider, options.effect];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  await expect(fetch(`${line.toString().trim()}/charges`, ASKED)).rejects.toThrow('fetch failed');
  expect((await exited)[1]).toBe('SIGKILL');

  const store = embeddedStore(file, systemClock);
  const second = await serveRoute(
    framework,
    async ({ idempotency }) => {
      await fetch(provider, { method: 'POST', body: idempotency?.idempotencyKey ?? '' });
      return { status: 201, body: 'done' };
    },
    // Longer than the dead process' lease.
    { ...options, store, waitMs: 15_000 },
  );
  try {
    return await second.post('/charges');
  } finally {
    await second.close();
    await store.close();
  }
}

describe.each(FRAMEWORKS)('a process on %s that is killed in its handler', (framework) => {
  it('leaves a handler that must run once in doubt, and nobody runs it again', async () => {
    const answer = await crashAndAskAgain(framework, { effect: 'once' });
    expect(answer.status).toBe(409);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'in_doubt' });
    expect(keys).toHaveLength(1);
  });

  it('has an idempotent handler run again, under the same key for the provider', async () => {
    const answer = await crashAndAskAgain(framework, { effect: 'idempotent' });
    expect(answer).toMatchObject({ status: 201, body: 'done' });
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
  });
});

it('asks the provider what became of a reconcilable handler, and gives its reply', async () => {
  const file = join(await scratchFolder(), 'operations.db');
  const store = embeddedStore(file, systemClock);
  const asked: string[] = [];
  let tracked = '';
  let runs = 0;
  const served = await serveRoute(
    'hono',
    ({ idempotency }) => {
      runs += 1;
      tracked = idempotency!.trackingId;
      return { status: 500 };
    },
    {
      store,
      effect: 'reconcilable',
      waitMs: 10_000,
      async reconcile(trackingId: string) {
        asked.push(trackingId);
        return { state: 'committed', reply: { status: 201, body: 'found' } } as const;
      },
    } as RouteOptions,
  );
  expect((await served.post('/charges')).status).toBe(500);
  const answer = await served.post('/charges');
  expect(answer).toMatchObject({ status: 201, body: 'found' });
  expect(answer.headers.get('idempotency-replayed')).toBe('true');
  expect(asked).toEqual([tracked]);
  expect(runs).toBe(1);
  await served.close();
  await store.close();
});
