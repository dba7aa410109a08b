import { expect, test } from 'vitest';
import { StoreAway } from '../../../functions/src/operation/errors.ts';
import { deployment } from './deployment.ts';

const PARAMS = { orderId: 'order-1' };

test('an operation in doubt is shown with what happened and both commands that resolve it', async () => {
  const { publish, work, behaviour, cli } = deployment();
  behaviour.ship = () => {
    throw new Error('socket hang up');
  };
  const token = await publish('shipping.ship', PARAMS);
  await work();
  const { code, out } = await cli('show', token);
  expect(code).toBe(0);
  expect(out).toContain('shipping.ship  in_doubt');
  expect(out).toContain('socket hang up');
  expect(out).toContain("params         { orderId: 'order-1' }");
  expect(out).toContain('Nobody.');
  expect(out).toContain('Nothing, until a person says');
  expect(out).toContain(`agent-once resolve ${token} --done RESULT-JSON --actor YOU --reason WHY`);
  expect(out).toContain(`agent-once resolve ${token} --not-done --actor YOU --reason WHY`);
});

test.for([0, 1])('the command that show suggests resolves the operation (%i)', async (choice) => {
  const { publish, work, behaviour, cli, record } = deployment();
  behaviour.ship = () => {
    throw new Error('socket hang up');
  };
  const token = await publish('shipping.ship', PARAMS);
  await work();
  const { out } = await cli('--json', 'show', token);
  const { next } = JSON.parse(out) as { next: { choices: { command: string }[] } };
  const [program, ...args] = next.choices[choice]!.command.replace(
    'RESULT-JSON',
    '{"shipmentId":"ship-9"}',
  )
    .replace('YOU', 'ann')
    .replace('WHY', 'looked')
    .split(' ');
  expect(program).toBe('agent-once');
  behaviour.ship = () => ({ shipmentId: 'ship-2' });
  expect((await cli(...args)).code).toBe(0);
  await work();
  expect(await record(token)).toMatchObject({ status: 'completed', sent: true });
});

test('a held operation says who holds it, for how long, and what comes after a crash', async () => {
  const { crash, cli, advance } = deployment();
  const token = await crash();
  advance(5_000);
  const live = await cli('show', token);
  expect(live.out).toMatch(/The run of message \S+ \(claim \S+, fence 1\), for another 10 s/);
  expect(live.out).toContain('it is parked in doubt');
  expect(live.out).toContain(`agent-once force-release ${token}`);
  advance(60_000);
  const lapsed = await cli('show', token);
  expect(lapsed.out).toContain('Nobody any more.');
  expect(lapsed.out).toContain('agent-once sweep');
});

test('a completed operation shows its result as the step gave it', async () => {
  const { publish, work, behaviour, cli } = deployment();
  behaviour.ship = () => ({ at: new Date(0), cents: 12n, items: new Map([['lamp', 2]]) });
  const token = await publish('shipping.ship', PARAMS);
  await work();
  const { out } = await cli('show', token);
  for (const shown of ['at: 1970-01-01T00:00:00.000Z', 'cents: 12n', "Map(1) { 'lamp' => 2 }"]) {
    expect(out).toContain(shown);
  }
  const { result } = JSON.parse((await cli('--json', 'show', token)).out) as { result: unknown };
  expect(result).toEqual({
    at: { $date: '1970-01-01T00:00:00.000Z' },
    cents: { $bigint: '12' },
    items: { $map: [['lamp', 2]] },
  });
});

test('what looks like a secret is not shown, neither to people nor to programs', async () => {
  const { publish, work, behaviour, cli } = deployment();
  behaviour.ship = () => {
    throw new Error('socket hang up');
  };
  const params = { ...PARAMS, card: '4111', nested: [{ apiKey: 'sk-1', access_token: 'at-1' }] };
  const token = await publish('shipping.ship', params);
  await work();
  for (const { out } of [await cli('show', token), await cli('--json', 'show', token)]) {
    expect(out).toContain('(hidden)');
    expect(out).not.toMatch(/4111|sk-1|at-1/);
  }
});

test('options that named the store are part of the suggested commands, quoted for a shell', async () => {
  const { crash, cli } = deployment();
  const token = await crash();
  const { out } = await cli('--store', 'embedded:my file', '--namespace', 'shop', 'show', token);
  expect(out).toContain(
    `agent-once --store 'embedded:my file' --namespace shop force-release ${token}`,
  );
});

test('an unknown token ends with 3 and says where it was looked for', async () => {
  const { cli } = deployment();
  const token = `k1_${'A'.repeat(43)}`;
  const { code, out, err } = await cli('show', token);
  expect({ code, out }).toEqual({ code: 3, out: '' });
  expect(err).toContain(`No operation ${token} in namespace "shop" of the embedded store.`);
});

test('what is no token ends with 2 before any store is asked', async () => {
  const { cli } = deployment();
  expect(await cli('show', 'order-1')).toMatchObject({ code: 2, out: '' });
  const hashed = await cli('show', 'h1_cvELRZgJYSo-kOw6');
  expect(hashed.code).toBe(2);
  expect(hashed.err).toContain('hashed token');
});

test('a store that gives no answer ends with 5, and with --json the error is JSON too', async () => {
  const { runtime } = deployment();
  const away = async (): Promise<never> => {
    throw new StoreAway('The store gave no answer within 10000 ms.');
  };
  const { cli } = deployment({ store: { ...runtime.store, get: away } });
  const { code, err } = await cli('--json', 'show', `k1_${'A'.repeat(43)}`);
  expect(code).toBe(5);
  expect(JSON.parse(err)).toMatchObject({
    error: { code: 'storeAway', message: 'The store gave no answer within 10000 ms.' },
  });
});

test('the ledger lists a workflow in its order, under the root token only', async () => {
  const { publish, work, cli } = deployment();
  const root = await publish('shipping.ship', PARAMS);
  await work();
  const { out } = await cli('--json', 'ledger', root);
  const lines = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { action: string; token: string });
  expect(lines.map(({ action }) => action)).toEqual(['shipping.ship', 'customers.tell']);
  const text = (await cli('ledger', root)).out;
  expect(text.split('\n')[1]).toMatch(/1 {2}shipping\.ship +completed +1 {2}\S+ \S+ {2}k1_/);
  const child = await cli('ledger', lines[1]!.token);
  expect(child.code).toBe(3);
  expect(child.err).toContain(`agent-once ledger ${root}`);
});

test('in-doubt lists what waits for a person, the oldest first; nothing is no lines', async () => {
  const { publish, work, behaviour, cli, advance } = deployment();
  expect((await cli('in-doubt')).out).toBe('Nothing is in doubt.\n');
  expect((await cli('--json', 'in-doubt')).out).toBe('');
  behaviour.ship = () => {
    throw new Error('socket hang up');
  };
  const tokens: string[] = [];
  for (const key of ['order-3', 'order-1', 'order-2']) {
    tokens.push(await publish('shipping.ship', { orderId: key }, key));
    await work();
    advance(1_000);
  }
  const { out } = await cli('--json', 'in-doubt');
  const listed = out
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { token: string }).token);
  expect(listed).toEqual(tokens);
  expect((await cli('in-doubt')).out).toMatch(/TOKEN +ACTION +SINCE +ATTEMPTS +WHY\n/);
});
