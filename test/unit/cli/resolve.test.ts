import { expect, test } from 'vitest';
import { memoryBlobs } from '../../support/engine-runtime.ts';
import { cli as cliOn, deployment } from './deployment.ts';

const PARAMS = { orderId: 'order-1' };
const SIGNED = ['--actor', 'ann', '--reason', 'asked the carrier'];

async function inDoubt() {
  const all = deployment();
  all.behaviour.ship = () => {
    throw new Error('socket hang up');
  };
  const token = await all.publish('shipping.ship', PARAMS);
  await all.work();
  all.behaviour.ship = () => ({ shipmentId: 'ship-2' });
  return { ...all, token };
}

test('--done records the result, and what follows from it is published without running the step', async () => {
  const { token, cli, work, record, shipped } = await inDoubt();
  const { code, out } = await cli('resolve', token, '--done', '{"shipmentId":"ship-1"}', ...SIGNED);
  expect(code).toBe(0);
  expect(out).toContain('resolve_done by ann');
  expect(out).toContain('asked the carrier');
  await work();
  expect(shipped).toEqual(['order-1']);
  expect(await record(token)).toMatchObject({
    status: 'completed',
    sent: true,
    result: { kind: 'inline', text: '{"shipmentId":"ship-1"}' },
  });
  const ledger = (await cli('--json', 'ledger', token)).out.trimEnd().split('\n');
  expect(ledger.map((line) => (JSON.parse(line) as { action: string }).action)).toEqual([
    'shipping.ship',
    'customers.tell',
  ]);
});

test('--not-done has the step run again', async () => {
  const { token, cli, work, record, shipped } = await inDoubt();
  expect((await cli('resolve', token, '--not-done', ...SIGNED)).code).toBe(0);
  await work();
  expect(shipped).toEqual(['order-1', 'order-1']);
  expect(await record(token)).toMatchObject({
    status: 'completed',
    result: { text: '{"shipmentId":"ship-2"}' },
  });
});

test.for([['--not-done'], ['--done', '{"shipmentId":"ship-1"}']])(
  'after a crash between the verdict and its publishing, the same command goes on (%s)',
  async (verdict) => {
    const { token, cli, work, record, runtime, waiting } = await inDoubt();
    const { publish } = runtime.publisher;
    Object.assign(runtime.publisher, {
      async publish() {
        throw new Error('connection reset');
      },
    });
    const first = await cli('resolve', token, ...verdict, ...SIGNED);
    expect(first).toMatchObject({ code: 1, err: 'connection reset\n' });
    expect(waiting()).toBe(false);
    Object.assign(runtime.publisher, { publish });
    expect((await cli('resolve', token, ...verdict, ...SIGNED)).code).toBe(0);
    await work();
    expect(await record(token)).toMatchObject({ status: 'completed', sent: true });
    expect((await cli('resolve', token, '--done', '{"shipmentId":"x"}', ...SIGNED)).code).toBe(4);
  },
);

test('another verdict than the first is refused, and says who gave that one', async () => {
  const { token, cli, record } = await inDoubt();
  await cli('resolve', token, '--done', '{"shipmentId":"ship-1"}', ...SIGNED);
  for (const verdict of [['--done', '{"shipmentId":"ship-7"}'], ['--not-done']]) {
    const { code, err } = await cli(
      'resolve',
      token,
      ...verdict,
      '--actor',
      'bob',
      '--reason',
      'x',
    );
    expect(code).toBe(4);
    expect(err).toContain('ann resolved it already (resolve_done: asked the carrier)');
  }
  expect(await record(token)).toMatchObject({ result: { text: '{"shipmentId":"ship-1"}' } });
});

test('an operation that is not in doubt is left as it was', async () => {
  const { publish, work, cli, record } = deployment();
  const token = await publish('shipping.ship', PARAMS);
  await work();
  const before = await record(token);
  const { code, err } = await cli('resolve', token, '--not-done', ...SIGNED);
  expect(code).toBe(4);
  expect(err).toContain('Only an operation in doubt can be resolved; this one is completed.');
  expect(await record(token)).toEqual(before);
});

test('a verdict is one of two, JSON where it is a result, and signed', async () => {
  const { token, cli, record } = await inDoubt();
  const before = await record(token);
  for (const args of [
    SIGNED,
    ['--done', '1', '--not-done', ...SIGNED],
    ['--done', '{shipmentId}', ...SIGNED],
    ['--not-done', '--actor', 'ann'],
    ['--not-done', '--reason', 'x'],
  ]) {
    expect((await cli('resolve', token, ...args)).code).toBe(2);
  }
  expect(await record(token)).toEqual(before);
});

test('an unknown token ends with 3', async () => {
  const { cli } = deployment();
  const token = `k1_${'A'.repeat(43)}`;
  expect((await cli('resolve', token, '--not-done', ...SIGNED)).code).toBe(3);
});

test('two operations with the same large result keep one each: purging one leaves the other’s', async () => {
  const kept = memoryBlobs();
  const all = deployment({ blobs: kept.blobs });
  all.behaviour.ship = () => {
    throw new Error('socket hang up');
  };
  const [one, other] = [
    await all.publish('shipping.ship', PARAMS, 'order-1'),
    await all.publish('shipping.ship', PARAMS, 'order-2'),
  ];
  await all.work();
  const input = JSON.stringify({ page: 'x'.repeat(400_000) });
  for (const token of [one, other]) {
    const { code } = await cliOn(all.connect, ['resolve', token, '--done', '-', ...SIGNED], {
      input,
    });
    expect(code).toBe(0);
  }
  await all.work();
  expect((await all.cli('purge', one, ...SIGNED)).code).toBe(0);
  expect(kept.names()).toHaveLength(1);
  expect((await all.cli('--json', 'show', other)).out).toContain('xxxx');
});

test('a large result that comes too late is not kept', async () => {
  const kept = memoryBlobs();
  const all = deployment({ blobs: kept.blobs });
  const token = await all.publish('shipping.ship', PARAMS);
  await all.work();
  const input = JSON.stringify('x'.repeat(400_000));
  const args = ['resolve', token, '--done', '-', ...SIGNED];
  expect((await cliOn(all.connect, args, { input })).code).toBe(4);
  expect(kept.names()).toEqual([]);
});
