import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { embeddedAuditLog } from '../../../functions/src/adapters/embedded/audit-log.ts';
import { createClient } from '../../../functions/src/client/index.ts';
import type { Client } from '../../../functions/src/client/index.ts';
import { parseNamespace } from '../../../functions/src/token/token.ts';
import { DEVELOPMENT_TOKEN, serveApi } from '../api/service.ts';
import type { ServedApi } from '../api/service.ts';
import { cli } from './deployment.ts';

let api: ServedApi;
let client: Client;

beforeEach(async () => {
  api = await serveApi();
  client = createClient({ url: api.url, token: DEVELOPMENT_TOKEN });
});

afterEach(() => api.close());

const SHOP = parseNamespace('shop')!;
const CHARGE = { key: 'order-17', action: 'payments.charge', params: { cents: 100 } } as const;
const WHY = ['--reason', 'asked the bank'];

const AS_OPERATOR = { AGENT_ONCE_TOKEN: `${DEVELOPMENT_TOKEN}:operator@shop` };

function noStore(): Promise<never> {
  return Promise.reject(new Error('the store is not to be reached'));
}

/** The CLI on the service, with no store to go to. */
function onUrl(...args: string[]) {
  return cli(noStore, ['--url', api.url, ...args], { env: AS_OPERATOR });
}

/** The same command on the service's own store. */
function onStore(...args: string[]) {
  const { runtime } = api;
  const connection = {
    runtime,
    namespace: SHOP,
    shards: 16,
    deadLetters: () => Promise.reject(new Error('Nobody asked for them.')),
    auditLog: async () => embeddedAuditLog(':memory:'),
    close: async () => {},
  };
  return cli(async () => connection, ['--store', 'embedded:x', ...args]);
}

async function inDoubt(key: string = CHARGE.key): Promise<string> {
  const begun = await client.begin({ ...CHARGE, key });
  const { handle, token } = begun as { handle: string; token: string };
  await client.fail(handle, { code: 'reset', message: 'socket hang up' });
  return token;
}

async function completed(): Promise<string> {
  const { handle, token } = (await client.begin(CHARGE)) as { handle: string; token: string };
  await client.complete(handle, { charge: 'c1', at: { $date: '2026-01-31T00:00:00.000Z' } });
  return token;
}

describe('show', () => {
  it('shows an operation as the store’s own page does, but for what the service keeps', async () => {
    const token = await completed();
    const there = await onUrl('show', token);
    const here = await onStore('show', token);
    expect(there.code).toBe(0);
    const told = (page: string) => page.split('\n').filter((line) => !/ago\)|\(in /.test(line));
    const kept = [', in namespace shop', ', kept as api'];
    const shortened = kept.reduce((page, words) => page.replace(words, ''), here.out);
    expect(told(there.out)).toEqual(told(shortened));
    expect(there.out).toContain("result         { at: 2026-01-31T00:00:00.000Z, charge: 'c1' }");
  });

  it('gives programs the fields that the store’s own answer has', async () => {
    const token = await completed();
    const there = JSON.parse((await onUrl('--json', 'show', token)).out) as object;
    const here = JSON.parse((await onStore('--json', 'show', token)).out) as object;
    expect(here).toMatchObject(there);
    const missing = Object.keys(here).filter((name) => !(name in there));
    expect(missing.toSorted()).toEqual(['class', 'namespace', 'sent']);
  });

  it('suggests only commands that the service carries out', async () => {
    const token = await inDoubt();
    const { out } = await onUrl('show', token);
    expect(out).toContain(
      `agent-once --url ${api.url} resolve ${token} --done RESULT-JSON --reason WHY`,
    );
    expect(out).not.toContain('--actor');
    await client.begin({ ...CHARGE, key: 'order-18' });
    const held = await client.get({ key: 'order-18' });
    const page = await onUrl('show', held!.token);
    expect(page.out).toContain('payments.charge  in_flight');
    expect(page.out).toContain(`force-release ${held!.token} --reason WHY`);
    expect(page.out).not.toContain(' sweep\n');
  });

  it('ends with 3 for a token that is not there', async () => {
    const token = `k1_${'A'.repeat(43)}`;
    const { code, err } = await onUrl('show', token);
    expect(code).toBe(3);
    expect(err).toContain(`No operation ${token} in ${api.url}`);
  });
});

it('lists a ledger in the same table', async () => {
  const { token: root } = await client.begin({ ...CHARGE, started: false });
  await client.begin({ root, path: 'payments.charge/mail', action: 'mails.send', logicalTime: 9 });
  const there = await onUrl('ledger', root);
  const here = await onStore('ledger', root);
  expect(there.code).toBe(0);
  const columns = (table: string) =>
    table
      .trim()
      .split('\n')
      .map((line) => line.replace(/claimed|in_flight/, 'status').replaceAll(/ +/g, ' '));
  expect(columns(there.out)).toEqual(columns(here.out));
  expect(columns(there.out)).toHaveLength(3);
  const lines = (await onUrl('--json', 'ledger', root)).out.trim().split('\n');
  expect(lines.map((line) => (JSON.parse(line) as { action: string }).action)).toEqual([
    'payments.charge',
    'mails.send',
  ]);
});

it('reads a ledger of several pages to its end', async () => {
  const { token: root } = await client.begin({ ...CHARGE, started: false });
  const paths = Array.from({ length: 120 }, (_, index) => `payments.charge/${index}`);
  for (const half of [paths.slice(0, 60), paths.slice(60)]) {
    await client.beginBatch(half.map((path) => ({ root, path, action: 'mails.send' })));
  }
  const lines = (await onUrl('--json', 'ledger', root)).out.trim().split('\n');
  expect(lines).toHaveLength(121);
});

describe('in-doubt', () => {
  it('lists what waits for a person in the same table, the oldest first', async () => {
    expect((await onUrl('in-doubt')).out).toBe('Nothing is in doubt.\n');
    expect(await onUrl('--json', 'in-doubt')).toMatchObject({ code: 0, out: '' });
    const tokens = [await inDoubt('order-3'), await inDoubt('order-1'), await inDoubt('order-2')];
    await completed();
    const there = await onUrl('in-doubt');
    const here = await onStore('in-doubt');
    expect(there).toMatchObject({ code: 0, err: '' });
    // The time between the two looks shows in ages, and in how wide their column is.
    const timeless = (page: string) =>
      page
        .replace(/--(url|store) \S+/, 'WHERE')
        .replaceAll(/[\d.]+ m?s ago/g, 'AGO')
        .replaceAll(/ +/g, ' ');
    expect(timeless(there.out)).toBe(timeless(here.out));
    expect(there.out).toMatch(/TOKEN +ACTION +SINCE +ATTEMPTS +WHY\n/);
    const lines = (page: string) =>
      page
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { token: string });
    const told = lines((await onUrl('--json', 'in-doubt')).out);
    expect(told.map(({ token }) => token)).toEqual(tokens);
    const kept = lines((await onStore('--json', 'in-doubt')).out);
    // The commands that come next are called otherwise there.
    const next = expect.anything() as unknown;
    expect(kept).toMatchObject(told.map((line) => ({ ...line, next })));
  });

  it('reads every page', async () => {
    for (let from = 0; from < 120; from += 60) {
      const operations = Array.from({ length: 60 }, (_, index) => ({ key: `k${from + index}` }));
      const begun = await client.beginBatch(operations);
      for (const { answer } of begun) {
        const { handle } = answer as { handle: string };
        await client.fail(handle, { code: 'reset', message: 'socket hang up' });
      }
    }
    const lines = (await onUrl('--json', 'in-doubt')).out.trim().split('\n');
    expect(new Set(lines.map((line) => (JSON.parse(line) as { token: string }).token)).size).toBe(
      120,
    );
  });

  it('ends with 4 for a caller who may not list', async () => {
    await inDoubt();
    const env = { AGENT_ONCE_TOKEN: DEVELOPMENT_TOKEN };
    const refused = await cli(noStore, ['--url', api.url, 'in-doubt'], { env });
    expect(refused.code).toBe(4);
    expect(refused.err).toContain('agent@shop needs the role reader or operator');
  });
});

describe('interventions', () => {
  it('resolve as done, under the verified caller, and answer the same when asked again', async () => {
    const token = await inDoubt();
    const args = ['resolve', token, '--done', '{"charge":"c9"}', ...WHY];
    const first = await onUrl(...args);
    expect(first).toMatchObject({ code: 0, err: '' });
    expect(first.out).toContain('resolve_done by operator@shop');
    expect((await onUrl(...args)).code).toBe(0);
    expect(await client.get({ token })).toMatchObject({
      state: 'completed',
      result: { charge: 'c9' },
    });
    const { entries } = await client.interventions(token);
    expect(entries.filter(({ phase }) => phase === 'done')).toHaveLength(1);
    const other = await onUrl('resolve', token, '--done', '{"charge":"c10"}', ...WHY);
    expect(other.code).toBe(4);
  });

  it('resolve as not done, so that its caller may run it again', async () => {
    const token = await inDoubt();
    expect((await onUrl('resolve', token, '--not-done', ...WHY)).code).toBe(0);
    expect(await client.begin(CHARGE)).toMatchObject({ state: 'claimed', token });
  });

  it('hold, unhold, extend, expire and purge what is settled', async () => {
    const token = await completed();
    for (const args of [['hold'], ['unhold'], ['extend', '--by', '7d'], ['expire'], ['purge']]) {
      const [verb, ...more] = args as [string, ...string[]];
      expect(await onUrl(verb, token, ...more, ...WHY)).toMatchObject({ code: 0, err: '' });
      const found = await client.get({ token });
      expect(found?.override).toMatchObject({ verb, actor: 'operator@shop' });
    }
  });

  it('end a claim', async () => {
    const { token } = await client.begin(CHARGE);
    const { code } = await onUrl('force-release', token, ...WHY);
    expect(code).toBe(0);
    expect((await client.get({ token }))?.state).not.toBe('in_flight');
  });

  it('are carried out once where the first answer is lost', async () => {
    const token = await completed();
    let lost = 0;
    const front = createServer((request, response) => {
      void (async () => {
        const { method = 'GET', url = '', headers } = request;
        const body = await text(request);
        const answer = await fetch(`${api.url}${url}`, {
          method,
          headers: { Authorization: headers.authorization!, 'Content-Type': 'application/json' },
          ...(method === 'POST' && { body }),
        });
        const content = await answer.text();
        if (method === 'POST' && (lost += 1) === 1) request.destroy();
        else response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(content);
      })();
    });
    front.listen(0, '127.0.0.1');
    await once(front, 'listening');
    const url = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
    const held = await cli(noStore, ['--url', url, 'hold', token, ...WHY], { env: AS_OPERATOR });
    front.closeAllConnections();
    front.close();
    expect(held).toMatchObject({ code: 0, err: '' });
    expect(lost).toBe(2);
    const { entries } = await client.interventions(token);
    expect(entries.filter(({ phase }) => phase === 'done')).toHaveLength(1);
  });

  it('end with 4 where they do not fit, and with 3 where there is nothing', async () => {
    const token = await completed();
    const refused = await onUrl('force-release', token, ...WHY);
    expect(refused.code).toBe(4);
    expect(refused.err).not.toBe('');
    expect((await onUrl('hold', `k1_${'A'.repeat(43)}`, ...WHY)).code).toBe(3);
  });

  it('are refused for a caller who may only look, and for one who is nobody', async () => {
    const token = await completed();
    for (const who of ['reader@shop', 'mallory@shop']) {
      const env = { AGENT_ONCE_TOKEN: `${DEVELOPMENT_TOKEN}:${who}` };
      const asked = await cli(noStore, ['--url', api.url, 'hold', token, ...WHY], { env });
      expect(asked.code).toBe(4);
    }
    expect((await client.get({ token }))?.hold).toBeUndefined();
  });

  it('take no actor: who calls is verified', async () => {
    const token = await completed();
    const { code, err } = await onUrl('hold', token, '--actor', 'ann', ...WHY);
    expect(code).toBe(2);
    expect(err).toContain('--actor');
  });
});

it.each([
  [['sweep'], 'sweep'],
  [['publish', 'payments.charge', '{}'], 'publish'],
  [['workflow', `k1_${'A'.repeat(43)}`], 'workflow'],
  [['cancel', `k1_${'A'.repeat(43)}`, '--actor', 'ann', ...WHY], 'cancel'],
  [['restore', `k1_${'A'.repeat(43)}`, '--actor', 'ann', ...WHY], 'restore'],
  [['archive'], 'archive'],
])('says in one line that the service does not offer %j', async (args, command) => {
  const { code, err } = await onUrl(...args);
  expect(code).toBe(2);
  expect(err.split('\n')[0]).toBe(`The service at ${api.url} does not offer ${command}.`);
});

it('works in the namespace that is asked for, where the caller has several', async () => {
  const token = await completed();
  const env = { AGENT_ONCE_TOKEN: `${DEVELOPMENT_TOKEN}:agent@both` };
  const show = (namespace: string) =>
    cli(noStore, ['--url', api.url, '--namespace', namespace, 'show', token], { env });
  const here = await show('shop');
  expect(here.code).toBe(0);
  const there = await show('bank');
  expect(there.code).toBe(3);
  expect(there.err).toContain(`No operation ${token} in namespace "bank" at ${api.url}.`);
});

describe('which service', () => {
  it('is named by AGENT_ONCE_URL too, and an option for a store goes before that', async () => {
    const token = await completed();
    const env = { ...AS_OPERATOR, AGENT_ONCE_URL: api.url };
    expect((await cli(noStore, ['show', token], { env })).code).toBe(0);
    const store = await cli(noStore, ['--store', 'embedded:x', 'show', token], { env });
    expect(store.err).toContain('the store is not to be reached');
    const swept = await cli(noStore, ['sweep'], { env: { ...env, AGENT_ONCE_STORE: 'firestore' } });
    expect(swept.err).toContain('the store is not to be reached');
  });

  it('is not a store, nor something that is no URL', async () => {
    const both = await onUrl('--store', 'embedded:x', 'in-doubt');
    expect(both.code).toBe(2);
    expect((await cli(noStore, ['--url', 'api.example.com', 'in-doubt'])).code).toBe(2);
  });

  it('ends with 5 where nothing answers, and says what to do', async () => {
    const commands = [['show', `k1_${'A'.repeat(43)}`], ['in-doubt']];
    const asked = commands.map((args) =>
      cli(noStore, ['--url', 'http://127.0.0.1:1', ...args], { env: AS_OPERATOR }),
    );
    for (const { code, err } of await Promise.all(asked)) {
      expect(code).toBe(5);
      expect(err).toContain('The service at http://127.0.0.1:1 can’t be reached.');
    }
  });
});
