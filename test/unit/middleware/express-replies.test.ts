import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import express from 'express';
import { afterEach, expect, it } from 'vitest';
import { embeddedStore } from '../../../functions/src/adapters/embedded/store.ts';
import { systemClock } from '../../../functions/src/adapters/system/clock.ts';
import { idempotency } from '../../../functions/src/middleware/express.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const HEADERS = { 'Idempotency-Key': 'order-17', 'Content-Type': 'application/json' };

/** An app with one guarded route, and express's own handling of errors. */
async function served(handler: express.RequestHandler): Promise<string> {
  const app = express();
  app.use(express.json());
  const store = embeddedStore(':memory:', systemClock);
  const guard = idempotency({
    store,
    namespace: 'shop',
    action: 'payments.charge',
    effect: 'idempotent',
    caller: () => 'ann',
    waitMs: 10_000,
    telemetry: { decision() {}, event() {} },
  });
  app.set('env', 'test');
  app.post('/charges', guard, handler);
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/charges`;
}

function post(url: string): Promise<Response> {
  return fetch(url, { method: 'POST', headers: HEADERS, body: '{}', redirect: 'manual' });
}

it.each<[string, express.RequestHandler]>([
  ['json', (_request, response) => void response.status(201).json({ charge: 'ç1' })],
  ['send, with a type of its own', (_request, response) => void response.type('txt').send('done')],
  ['redirect', (_request, response) => response.redirect(303, '/charges/c1')],
  ['sendStatus', (_request, response) => void response.sendStatus(204)],
  [
    'several headers of one name',
    (_request, response) => void response.append('Link', ['<a>', '<b>']).send('linked'),
  ],
  [
    'writeHead with a list',
    (_request, response) =>
      void response.writeHead(202, ['X-One', '1', 'X-Two', '2']).end('listed'),
  ],
])('gives a reply made with %s again', async (_how, handler) => {
  const url = await served(handler);
  const first = await post(url);
  const again = await post(url);
  const headers = (response: Response) =>
    [...response.headers].filter(([name]) => !/^(date|idempotency-replayed)$/.test(name));
  expect(again.status).toBe(first.status);
  expect(headers(again)).toEqual(headers(first));
  expect(await again.text()).toBe(await first.text());
  expect(again.headers.get('idempotency-replayed')).toBe('true');
});

it('gives a file again', async () => {
  const file = join(await scratchFolder(), 'receipt.pdf');
  await writeFile(file, Buffer.from([37, 80, 68, 70, 0, 255, 254]));
  const url = await served((_request, response) => response.sendFile(file));
  const first = await post(url);
  const again = await post(url);
  expect(new Uint8Array(await again.arrayBuffer())).toEqual(
    new Uint8Array(await first.arrayBuffer()),
  );
  expect(again.headers.get('content-type')).toBe('application/pdf');
});

it('leaves an error to express itself, and runs the handler again', async () => {
  let runs = 0;
  const url = await served((_request, response, next) => {
    runs += 1;
    if (runs === 1) next(new Error('out of paper'));
    else response.status(201).send('done');
  });
  expect((await post(url)).status).toBe(500);
  expect((await post(url)).status).toBe(201);
});

it('records the reply of a caller who went away, and gives it to the next', async () => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  let runs = 0;
  const url = await served(async (request, response) => {
    runs += 1;
    begin();
    await once(request.socket, 'close');
    await over;
    response.status(201).send('done');
  });
  const gone = httpRequest(url, { method: 'POST', headers: HEADERS });
  gone.on('error', () => {});
  gone.end('{}');
  await begun;
  gone.destroy();
  end();
  const again = await post(url);
  expect(again.status).toBe(201);
  expect(await again.text()).toBe('done');
  expect(runs).toBe(1);
});
