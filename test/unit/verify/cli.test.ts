import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { VerifyReport } from '../../../functions/src/testing/index.ts';
import { cli } from '../cli/deployment.ts';
import type { Printed } from '../cli/deployment.ts';
import { endpoint } from './endpoints.ts';
import type { Endpoint, Flaw } from './endpoints.ts';

const open: Endpoint[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

const noStore = () => Promise.reject(new Error('verify needs no store'));

async function served(flaw: Flaw): Promise<Endpoint> {
  const each = await endpoint(flaw);
  open.push(each);
  return each;
}

async function verify(flaw: Flaw, ...more: string[]): Promise<Printed> {
  const { url, countUrl, restartUrl, expireUrl } = await served(flaw);
  const urls = ['--count-url', countUrl, '--restart-url', restartUrl, '--expire-url', expireUrl];
  return cli(noStore, [...more, 'verify', url, '--body', '{"cents":100}', ...urls]);
}

it('ends with 0 where an endpoint is right, and says what was checked', async () => {
  const { code, out, err } = await verify('none');
  expect(err).toBe('');
  expect(code).toBe(0);
  expect(out).toContain('passed       the same operation again: the same result');
  expect(out).toContain('7 passed, 0 failed.');
});

it('ends with 1 where it is not, and says what failed and why', async () => {
  const { code, out } = await verify('forgets at a restart');
  expect(code).toBe(1);
  expect(out).toContain(
    'failed       the same operation after a restart: the same result\n' +
      '               The same request was sent again after a restart, and its effect was made again.' +
      ' What is recorded has to outlive the process.',
  );
  expect(out).toContain('6 passed, 1 failed.');
});

it('gives programs the report', async () => {
  const { code, out } = await verify('replays whatever the parameters', '--json');
  expect(code).toBe(1);
  const report = JSON.parse(out) as VerifyReport;
  expect(report.passed).toBe(false);
  expect(report.checks.find(({ name }) => name === 'mismatch')).toMatchObject({
    outcome: 'failed',
    fault: 'not_refused',
  });
});

it('says what it could not check', async () => {
  const { url } = await served('none');
  const { code, out } = await cli(noStore, ['verify', url, '--body', '{"cents":100}']);
  expect(code).toBe(0);
  expect(out).toContain('not checked  the same operation after its expiry: handled');
  expect(out).toContain('5 passed, 0 failed, 2 not checked.');
});

it('sends the headers that it is given', async () => {
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers);
    response.writeHead(403).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const headers = ['--header', 'Authorization: Bearer x', '--header', 'X-Tenant: shop'];
  await cli(noStore, ['verify', url, '--body', '{"cents":1}', '--method', 'PUT', ...headers]);
  server.closeAllConnections();
  server.close();
  expect(seen).toEqual([
    expect.objectContaining({ authorization: 'Bearer x', 'x-tenant': 'shop' }),
  ]);
});

it('waits for the expiry where it is told how long that takes', async () => {
  const { url } = await served('none');
  const args = ['verify', url, '--body', '{"cents":100}', '--wait', '1ms'];
  expect((await cli(noStore, args)).out).toContain('6 passed, 0 failed, 1 not checked.');
});

it.each([
  ['a body that is no JSON', ['--body', '{cents}']],
  ['no body', []],
  ['a header that is none', ['--body', '{}', '--header', 'secret']],
  ['one request at a time', ['--body', '{}', '--concurrency', '1']],
])('ends with 2 for %s', async (_what, args) => {
  const { url, effects } = await served('none');
  expect((await cli(noStore, ['verify', url, ...args])).code).toBe(2);
  expect(effects()).toBe(0);
});

it('tells that its own count fails from what the endpoint does', async () => {
  const { url } = await served('none');
  const args = ['verify', url, '--body', '{"cents":100}', '--count-url', 'http://127.0.0.1:1/'];
  const { code, err } = await cli(noStore, args);
  expect(code).toBe(1);
  expect(err).toContain('GET http://127.0.0.1:1/ failed: ');
});
