import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';

import type { TaskMessage } from '../../functions/src/index.ts';
import { deploy, orderTask } from '../support/deployment.ts';
import type { Deployment } from '../support/deployment.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import type { FaultProxy } from '../support/fault-proxy.ts';
import type { FunctionsProcess } from '../support/functions-process.ts';
import { pushByHttp } from '../support/push-by-http.ts';
import type { PushAnswer } from '../support/push-by-http.ts';

const FAIL_CLOSED_MS = 5_000;
/** Longer than anybody waits for the answer to a claim. */
const TOO_LATE_MS = 7_000;
const ORDERS = 3;

let proxy: FaultProxy;
let deployment: Deployment;
let functions: FunctionsProcess;

beforeAll(async () => {
  const firestore = inject('firestoreHost');
  proxy = await startFaultProxy({ target: firestore });
  deployment = await deploy({ firestore, pubsub: inject('pubsubHost') });
  functions = await deployment.start({ source: 'deployed', firestore: proxy.host });
  await deployment.pubsub.push({ port: functions.port });
  await deployment.provider.stock('book', 100);
});

afterAll(async () => {
  await deployment.close();
  await proxy.stop();
});

describe.for<{ away: string; begin: () => void }>([
  { away: 'refuses connections', begin: () => proxy.down() },
  { away: 'gets no requests', begin: () => proxy.delay(TOO_LATE_MS, 'request') },
  { away: 'carries out what it is asked and its answers come late', begin: () => proxy.delay(TOO_LATE_MS) },
])('while Firestore $away', ({ away, begin }) => {
  let orders: TaskMessage[];
  let answer: PushAnswer;
  let answeredAfterMs: number;
  let callsWhileAway: number;

  beforeAll(async () => {
    orders = Array.from({ length: ORDERS }, (_, i) => reserve(`${away} ${i}`));
    begin();
    const before = deployment.providerEvents.all.length;
    const published = Promise.all(orders.map((order) => deployment.pubsub.publish(order)));
    const pushedAt = performance.now();
    answer = await pushByHttp(functions.url, reserve(`${away} by HTTP`), `by HTTP: ${away}`);
    answeredAfterMs = performance.now() - pushedAt;
    const [messageId] = await published;
    await deployment.log.first(
      'a refused delivery of Pub/Sub',
      ({ decision }) => decision?.messageId === messageId && decision?.outcome === 'store_away',
    );
    callsWhileAway = deployment.providerEvents.all.length - before;
    proxy.pass();
  });

  test('a delivery is refused with 503 within 5 s', () => {
    expect(answer).toMatchObject({ status: 503, outcome: 'store_away' });
    expect(answeredAfterMs).toBeLessThan(FAIL_CLOSED_MS);
  });

  test('no effect is run', () => {
    expect(callsWhileAway).toBe(0);
  });

  test('everything published is done once it is back', async () => {
    for (const { root } of orders) {
      await deployment.operations.states.first('the shipment of an order', (state) => {
        return state.root === root && state.action === 'shipping.ship' && isDone(state);
      });
    }
    const { orders: done } = await deployment.provider.balance();
    const effects = done.filter(({ orderId }) => orders.some((order) => orderIdOf(order) === orderId));
    expect(effects.map((order) => order.effects)).toEqual(
      Array.from({ length: ORDERS }, () => ({ reserve: 1, charge: 1, ship: 1 })),
    );
  });
});

test('a claim that is won too late is given back by its own late answer', async () => {
  const order = reserve('claimed too late');
  proxy.delay(TOO_LATE_MS);
  expect(await pushByHttp(functions.url, order, 'late')).toMatchObject({ status: 503 });
  proxy.pass();
  // Its lease of 15 s has not lapsed by then.
  await deployment.operations.states.first('the release', ({ token, status }) => {
    return token === order.token && status === 'released';
  });

  expect(await pushByHttp(functions.url, order, 'late')).toMatchObject({ outcome: 'completed' });
  expect(await deployment.provider.effects({ order: orderIdOf(order) })).toHaveLength(1);
});

function isDone({ status }: { status: string }): boolean {
  return status === 'completed';
}

function orderIdOf(task: TaskMessage): string {
  return (task.params as { orderId: string }).orderId;
}

function reserve(orderId: string): TaskMessage {
  const parcel = { sku: 'book', quantity: 1, amountCents: 100, card: 'visa', address: 'Main St 1' };
  return orderTask('inventory.reserve', { orderId, ...parcel });
}
