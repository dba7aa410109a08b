import { expect, test } from 'vitest';
import { systemClock } from '../../../functions/src/adapters/system/clock.ts';
import { deployment } from './deployment.ts';

const PARAMS = '{"orderId":"order-1"}';

/** The CLI waits; a worker takes what it publishes. */
function live() {
  const all = deployment({ clock: systemClock });
  const { publish } = all.runtime.publisher;
  Object.assign(all.runtime.publisher, {
    async publish(...args: Parameters<typeof publish>) {
      await publish(...args);
      void all.work();
    },
  });
  return all;
}

function tokenIn(json: string): string {
  return (JSON.parse(json) as { token: string }).token;
}

test('a task is published once per key, whoever publishes it and however often', async () => {
  const { cli, work, shipped } = deployment();
  const args = ['--json', 'publish', 'shipping.ship', PARAMS, '--key', 'order-1'];
  const tokens = [tokenIn((await cli(...args)).out), tokenIn((await cli(...args)).out)];
  expect(tokens[0]).toBe(tokens[1]);
  await work();
  expect(shipped).toEqual(['order-1']);
});

test('without a key, equal requests within the window are one', async () => {
  const { cli, work, advance, shipped } = deployment();
  await cli('publish', 'shipping.ship', PARAMS);
  advance(299_000);
  await cli('publish', 'shipping.ship', PARAMS);
  await work();
  expect(shipped).toEqual(['order-1']);
});

test('--wait prints the result once the task is completed', async () => {
  const { cli } = live();
  const { code, out } = await cli('publish', 'shipping.ship', PARAMS, '--key', 'a', '--wait');
  expect(code).toBe(0);
  expect(out).toMatch(/shipping\.ship is completed as k1_\S+:\n\{ shipmentId: 'ship-1' \}/);
  const again = await cli('--json', 'publish', 'shipping.ship', PARAMS, '--key', 'a', '--wait');
  expect(JSON.parse(again.out)).toMatchObject({
    status: 'completed',
    result: { shipmentId: 'ship-1' },
  });
});

test('--wait finds the result of a request without a key', async () => {
  const { cli, shipped } = live();
  for (const _ of [1, 2]) {
    const { out } = await cli('--json', 'publish', 'shipping.ship', PARAMS, '--wait');
    expect(JSON.parse(out)).toMatchObject({ result: { shipmentId: 'ship-1' } });
  }
  expect(shipped).toEqual(['order-1']);
});

test('--wait ends with 1 and the page of show where the task ends in doubt', async () => {
  const { cli, behaviour } = live();
  behaviour.ship = () => {
    throw new Error('socket hang up');
  };
  const { code, out } = await cli('publish', 'shipping.ship', PARAMS, '--key', 'a', '--wait');
  expect(code).toBe(1);
  expect(out).toContain('in_doubt');
  expect(out).toContain('agent-once resolve');
});

test('--wait ends with 4 where the key belongs to another request', async () => {
  const { cli } = live();
  await cli('publish', 'shipping.ship', PARAMS, '--key', 'a', '--wait');
  const other = await cli('publish', 'shipping.ship', '{"orderId":"2"}', '--key', 'a', '--wait');
  expect(other.code).toBe(4);
  expect(other.err).toContain('The key belongs to another request');
});

test('--wait gives up after its time and says how things stand', async () => {
  const { cli } = deployment({ clock: systemClock });
  const args = ['--key', 'a', '--wait', '--timeout', '1ms'];
  const { code, err } = await cli('publish', 'shipping.ship', PARAMS, ...args);
  expect(code).toBe(1);
  expect(err).toContain('is not claimed by anyone yet after 1 ms');
});

test('an action or params that are none end with 2, and nothing is published', async () => {
  const { cli, waiting } = deployment();
  expect((await cli('publish', 'Shipping Ship', PARAMS)).code).toBe(2);
  const { code, err } = await cli('publish', 'shipping.ship', '{orderId:1}');
  expect(code).toBe(2);
  expect(err).toContain('PARAMS-JSON is not usable');
  expect(waiting()).toBe(false);
});
