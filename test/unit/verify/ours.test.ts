import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { embeddedStore } from '../../../functions/src/adapters/embedded/store.ts';
import { systemClock } from '../../../functions/src/adapters/system/clock.ts';
import { createClient, ServiceProblem } from '../../../functions/src/client/index.ts';
import { verifyEndpoint } from '../../../functions/src/testing/index.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';
import { DEVELOPMENT_TOKEN, serveApi } from '../api/service.ts';
import { FRAMEWORKS, serveRoute } from '../middleware/servers.ts';

const SKEW_MS = 2 * 3_600_000;

it.each(FRAMEWORKS)('passes our middleware on %s, over a restart and its expiry', async (on) => {
  const file = join(await scratchFolder(), 'operations.db');
  let aheadMs = 0;
  const clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
  let effects = 0;
  const serve = () =>
    serveRoute(on, () => ({ body: `{"charge":"c${(effects += 1)}"}` }), {
      effect: 'once',
      store: embeddedStore(file, clock),
    });
  let served = await serve();
  // What a restart changes is the process; the address may be the same again.
  const front = createServer((request, response) => {
    void (async () => {
      const { method = 'POST', headers, url = '/' } = request;
      const passed = headers as Record<string, string>;
      const body = await text(request);
      delete passed['connection'];
      delete passed['content-length'];
      const answer = await fetch(`${served.url}${url}`, { method, headers: passed, body });
      response.writeHead(answer.status, Object.fromEntries(answer.headers));
      response.end(await answer.text());
    })();
  });
  front.listen(0, '127.0.0.1');
  await once(front, 'listening');

  const report = await verifyEndpoint({
    url: `http://127.0.0.1:${(front.address() as AddressInfo).port}/charges`,
    headers: { 'X-Caller': 'ann@shop' },
    body: { cents: 100 },
    effects: () => effects,
    async restart() {
      await served.close();
      await served.store.close();
      served = await serve();
    },
    expire: async () => void (aheadMs += SKEW_MS),
  });
  front.closeAllConnections();
  front.close();
  await served.close();
  await served.store.close();
  expect(report.failures).toEqual([]);
  expect(report.checks.map(({ outcome }) => outcome)).toEqual(Array(7).fill('passed'));
});

it('passes an agent endpoint that asks our service', async () => {
  const api = await serveApi();
  const client = createClient({ url: api.url, token: DEVELOPMENT_TOKEN });
  let effects = 0;
  const agent = createServer((request, response) => {
    void (async () => {
      const key = String(request.headers['idempotency-key']);
      const params = JSON.parse(await text(request)) as unknown;
      response.setHeader('Content-Type', 'application/json');
      try {
        const { result } = await client.once({ key, action: 'payments.charge', params }, () => ({
          charge: `c${(effects += 1)}`,
        }));
        response.writeHead(201).end(JSON.stringify(result));
      } catch (error) {
        const status = error instanceof ServiceProblem ? error.problem.status : 500;
        response.writeHead(status).end('{}');
      }
    })();
  });
  agent.listen(0, '127.0.0.1');
  await once(agent, 'listening');
  const report = await verifyEndpoint({
    url: `http://127.0.0.1:${(agent.address() as AddressInfo).port}`,
    body: { cents: 100 },
    effects: () => effects,
  });
  agent.closeAllConnections();
  agent.close();
  await api.close();
  expect(report.failures).toEqual([]);
  expect(effects).toBe(3);
});
