import { once } from 'node:events';
import { createServer } from 'node:http';
import { readdirSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { charges } from './shown/charges.ts';
import { mails } from './shown/express.ts';

const SHOWN = join(import.meta.dirname, 'shown');
const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/middleware.md'), 'utf8');

test('the code that docs/middleware.md shows is the code that runs here', () => {
  const blocks = [...PAGE.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code);
  const files = readdirSync(SHOWN).map((name) => readFileSync(join(SHOWN, name), 'utf8'));
  expect(new Set(blocks)).toEqual(new Set(files));
});

test('the charge is made once, under a key of its own for the provider', async () => {
  const keys: unknown[] = [];
  const provider = createServer((request, response) => {
    keys.push(request.headers['idempotency-key']);
    response.end(`c${keys.length}`);
  });
  provider.listen(0, '127.0.0.1');
  await once(provider, 'listening');
  const url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  const app = charges(url, ':memory:');
  const asked = { method: 'POST', headers: { 'Idempotency-Key': 'order-17' }, body: '{}' };
  const first = await app.request('/charges', asked);
  const again = await app.request('/charges', asked);
  expect([first.status, await first.json()]).toEqual([201, { charge: 'c1' }]);
  expect([again.status, await again.json()]).toEqual([201, { charge: 'c1' }]);
  expect(again.headers.get('idempotency-replayed')).toBe('true');
  expect(keys).toEqual([expect.stringMatching(/^f1_[\w-]{43}$/)]);
  provider.close();
});

test('the mail that may have gone out is not sent again', async () => {
  const sent: string[] = [];
  const mailer = {
    async send(text: string) {
      sent.push(text);
      throw new Error('connection reset');
    },
  };
  const server = mails(mailer, ':memory:').listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const asked = {
    method: 'POST',
    headers: { 'Idempotency-Key': 'mail-1', 'Content-Type': 'application/json' },
    body: '{"text":"hello"}',
  };
  const url = `http://127.0.0.1:${port}/mails`;
  expect((await fetch(url, asked)).status).toBe(500);
  const again = await fetch(url, asked);
  expect(again.status).toBe(409);
  expect(await again.json()).toMatchObject({ code: 'in_doubt' });
  expect(sent).toEqual(['hello']);
  server.closeAllConnections();
  server.close();
});
