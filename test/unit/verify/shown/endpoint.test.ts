import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { systemClock } from 'agent-once';
import { embeddedStore } from 'agent-once/embedded';
import { idempotency } from 'agent-once/middleware/express';
import { verifyEndpoint } from 'agent-once/testing';
import express from 'express';
import { expect, test } from 'vitest';

test('the endpoint makes each charge once', async () => {
  let charges = 0;
  const guard = idempotency({
    store: embeddedStore(':memory:', systemClock),
    namespace: 'shop',
    action: 'payments.charge',
    effect: 'once',
    caller: () => 'ann',
  });
  const app = express().use(express.json());
  app.post('/charges', guard, (_request, response) => {
    charges += 1;
    response.status(201).json({ charge: `c${charges}` });
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const { failures } = await verifyEndpoint({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/charges`,
    body: { cents: 100 },
    effects: () => charges,
  });

  expect(failures).toEqual([]);
  server.close();
});
