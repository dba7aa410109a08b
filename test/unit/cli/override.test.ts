import { expect, test } from 'vitest';
import type { CompletedRecord } from '../../../functions/src/operation/record.ts';
import { deployment } from './deployment.ts';

const DAY_MS = 86_400_000;
const SIGNED = ['--actor', 'ann', '--reason', 'audit 7'];

async function completed() {
  const all = deployment();
  const token = await all.publish('shipping.ship', { orderId: 'order-1' });
  await all.work();
  const record = (): Promise<CompletedRecord> => all.record(token) as Promise<CompletedRecord>;
  return { ...all, token, record };
}

test('each intervention is recorded with who and why, under the next fence', async () => {
  const { token, cli, record } = await completed();
  const { fence } = await record();
  const { code, out } = await cli('hold', token, ...SIGNED);
  expect(code).toBe(0);
  expect(out).toContain('until its hold is lifted');
  expect(await record()).toMatchObject({
    hold: true,
    fence: fence + 1,
    override: { verb: 'hold', actor: 'ann', reason: 'audit 7' },
  });
  await cli('unhold', token, ...SIGNED);
  expect(await record()).not.toHaveProperty('hold');
});

test('extend adds to the time that a record is kept', async () => {
  const { token, cli, record } = await completed();
  const { expireAt } = await record();
  expect((await cli('extend', token, '--by', '7d', ...SIGNED)).code).toBe(0);
  expect((await record()).expireAt).toBe(expireAt + 7 * DAY_MS);
});

test('a duration without its unit, or none at all, ends with 2', async () => {
  const { token, cli } = await completed();
  for (const by of ['7', 'soon', '0d', '-1d']) {
    expect((await cli('extend', token, '--by', by, ...SIGNED)).code).toBe(2);
  }
  expect((await cli('extend', token, ...SIGNED)).code).toBe(2);
});

test('expire lets a record be archived now', async () => {
  const { token, cli, record, advance } = await completed();
  advance(1_000);
  await cli('expire', token, ...SIGNED);
  const { expireAt, completedAt } = await record();
  expect(expireAt - completedAt).toBe(1_000);
});

test('purge erases what was kept, and show says so', async () => {
  const { token, cli, record } = await completed();
  expect((await cli('purge', token, ...SIGNED)).code).toBe(0);
  expect((await record()).result).toEqual({ kind: 'purged' });
  expect((await cli('show', token)).out).toContain('The payload was purged by an operator.');
});

test('force-release ends a claim, and the task runs again without waiting for its lease', async () => {
  const { crash, cli, work, record, waiting } = deployment();
  const token = await crash();
  expect((await cli('force-release', token, ...SIGNED)).code).toBe(0);
  expect(await record(token)).toMatchObject({ status: 'released' });
  expect(waiting()).toBe(true);
  await work();
  expect(await record(token)).toMatchObject({ status: 'in_doubt', effect: 'once' });
});

test('a verb that does not fit ends with 4, and an unsigned one with 2', async () => {
  const { crash, cli, record } = deployment();
  const token = await crash();
  const before = await record(token);
  const refused = await cli('hold', token, ...SIGNED);
  expect(refused.code).toBe(4);
  expect(refused.err).toContain('this one is claimed');
  expect((await cli('force-release', token, '--actor', 'ann')).code).toBe(2);
  expect(await record(token)).toEqual(before);
});

test('sweep publishes again what has lapsed, and says how much', async () => {
  const { crash, cli, work, advance, record } = deployment();
  expect((await cli('sweep')).out).toBe('Nothing has passed its time.\n');
  const token = await crash();
  advance(60_000);
  const { code, out } = await cli('--json', 'sweep');
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ shards: 16, redriven: 1, published: 0, failed: 0 });
  await work();
  expect(await record(token)).toMatchObject({ status: 'in_doubt' });
});

test('a sweep that could not publish ends with 1', async () => {
  const { crash, cli, advance, runtime } = deployment();
  await crash();
  advance(60_000);
  Object.assign(runtime.publisher, {
    async publish() {
      throw new Error('connection reset');
    },
  });
  const { code, out } = await cli('sweep');
  expect(code).toBe(1);
  expect(out).toContain('Failed: 1');
});
