import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { afterAll, beforeAll, expect, inject, test } from 'vitest';

import type { TaskMessage } from '../../functions/src/index.ts';
import { taskFromText } from '../../functions/src/engine/tasks.ts';
import type { InDoubtRecord, OperationRecord } from '../../functions/src/operation/record.ts';
import { deploy } from '../support/deployment.ts';
import type { Deployment } from '../support/deployment.ts';
import type { FunctionsProcess } from '../support/functions-process.ts';
import { FULFILLED, SKU, fulfilOrder } from '../support/orders.ts';
import { seededRandom } from '../support/seeded-random.ts';

const ORDERS = 80;
const KILLS = 20;
/** A process is killed at the latest after so many events. */
const LONGEST_LIFE = 40;
/** How long the provider takes over each effect, so that kills find it at work. */
const EFFECT_MS = 100;
const TIMEOUT_MS = 900_000;
const SEED = 20_260_131;
const CLI = fileURLToPath(new URL('../../functions/src/cli/main.ts', import.meta.url));

let deployment: Deployment;
let functions: FunctionsProcess;

beforeAll(async () => {
  deployment = await deploy({ firestore: inject('firestoreHost'), pubsub: inject('pubsubHost') });
  functions = await deployment.start({ source: 'under test' });
  await deployment.pubsub.push({ port: functions.port });
  await deployment.provider.stock(SKU, ORDERS);
  await deployment.provider.fault({ fault: 'slow', ms: EFFECT_MS, times: 1_000_000 });
});

afterAll(() => deployment.close());

test(
  `${ORDERS} orders, each published twice, are fulfilled once over ${KILLS} kills of the process`,
  { timeout: TIMEOUT_MS },
  async () => {
    const { operations, provider, pubsub } = deployment;
    const orders = Array.from({ length: ORDERS }, (_, index) => fulfilOrder(`order-${index}`));
    const settled = shipped(
      orders,
      ({ status }) => status === 'completed' || status === 'in_doubt',
    );
    await Promise.all([...orders, ...orders].map((order) => pubsub.publish(order)));

    const kills = await killUntil(settled);
    const inDoubt = await doubts();
    for (const record of inDoubt) await resolveAsPerson(record as InDoubtRecord);
    await shipped(orders, ({ status }) => status === 'completed');

    expect(kills).toBe(KILLS);
    expect(inDoubt.length).toBeGreaterThan(0);
    expect(inDoubt.filter(({ effect }) => effect !== 'once')).toEqual([]);
    const { orders: balances } = await provider.balance();
    expect(balances).toHaveLength(ORDERS);
    for (const { effects } of balances) expect(effects).toEqual(FULFILLED);
    const records = await operations.read();
    expect(records).toHaveLength(4 * ORDERS);
    expect(records.filter(({ status }) => status !== 'completed')).toEqual([]);
    expect(await pubsub.deadLetters()).toEqual([]);
  },
);

/** Resolves when the shipping of each order has come to what is told. */
async function shipped(
  orders: readonly TaskMessage[],
  isOver: (record: OperationRecord) => boolean,
): Promise<void> {
  const left = new Set<string>(orders.map(({ token }) => token));
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = (record: OperationRecord): void => {
    if (record.action === 'shipping.ship' && isOver(record)) left.delete(record.root);
    if (left.size === 0) resolve();
  };
  deployment.operations.states.each(look);
  deployment.operations.states.all.forEach(look);
  await promise;
}

/** Kills the process and starts it again, over and over, at moments that the seed chooses. */
async function killUntil(settled: Promise<void>): Promise<number> {
  const random = seededRandom(SEED);
  let over = false;
  const end = settled.then(() => {
    over = true;
  });
  for (let kills = 0; kills < KILLS; kills += 1) {
    await Promise.race([end, moment(random)]);
    if (over) return kills;
    await functions.kill();
    functions = await deployment.start({ source: 'under test', port: functions.port });
  }
  await settled;
  return KILLS;
}

/** A few events from now: answers to deliveries, or what the provider is asked and does. */
function moment(random: () => number): Promise<void> {
  let left = 1 + Math.floor(random() * LONGEST_LIFE);
  const { promise, resolve } = Promise.withResolvers<void>();
  const count = (): void => {
    left -= 1;
    if (left === 0) resolve();
  };
  const { log, providerEvents } = deployment;
  if (random() < 0.5) log.each(count);
  else providerEvents.each(count);
  return promise;
}

async function doubts(): Promise<OperationRecord[]> {
  return (await deployment.operations.read()).filter(({ status }) => status === 'in_doubt');
}

/** Looks at the provider, and says by the CLI what is there. */
async function resolveAsPerson({ token, task }: InDoubtRecord): Promise<void> {
  if (task?.kind !== 'inline') throw new Error(`The record of ${token} keeps no task.`);
  const { orderId } = taskFromText(task.text).params as { orderId: string };
  const { env, provider } = deployment;
  const [effect] = await provider.effects({ order: orderId, kind: 'ship' });
  const verdict = effect ? ['--done', JSON.stringify({ shipmentId: effect.id })] : ['--not-done'];
  const signature = ['--actor', 'operator', '--reason', 'asked the carrier'];
  await promisify(execFile)(process.execPath, [CLI, 'resolve', token, ...verdict, ...signature], {
    env: { ...process.env, ...env },
  });
}
