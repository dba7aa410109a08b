import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';

import type { TaskMessage } from '../../functions/src/index.ts';
import { deploy } from '../support/deployment.ts';
import type { Deployment } from '../support/deployment.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import type { FaultProxy } from '../support/fault-proxy.ts';
import type { FunctionsProcess } from '../support/functions-process.ts';
import { FULFILLED, SKU, fulfilOrder, reserveStock, shipmentOf } from '../support/orders.ts';
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
  await deployment.provider.stock(SKU, 100);
});

afterAll(async () => {
  await deployment.close();
  await proxy.stop();
});

describe.for<{ away: string; begin: () => void }>([
  { away: 'refuses connections', begin: () => proxy.down() },
  { away: 'gets no requests', begin: () => proxy.delay(TOO_LATE_MS, 'request') },
  {
    away: 'carries out what it is asked and its answers come late',
    begin: () => proxy.delay(TOO_LATE_MS),
  },
])('while Firestore $away', ({ away, begin }) => {
  let orders: TaskMessage[];
  let answer: PushAnswer;
  let answeredAfterMs: number;
  let callsWhileAway: number;

  beforeAll(async () => {
    orders = Array.from({ length: ORDERS }, (_, i) => fulfilOrder(`${away} ${i}`));
    begin();
    const before = deployment.providerEvents.all.length;
    const published = Promise.all(orders.map((order) => deployment.pubsub.publish(order)));
    const pushedAt = performance.now();
    const reservation = reserveStock(`${away} by HTTP`);
    answer = await pushByHttp(functions.url, reservation, `by HTTP: ${away}`);
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
    for (const order of orders) {
      await deployment.operations.states.first('the shipment of an order', shipmentOf(order));
    }
    const { orders: done } = await deployment.provider.balance();
    const orderIds = new Set(orders.map(orderIdOf));
    expect(
      done.filter(({ orderId }) => orderIds.has(orderId)).map(({ effects }) => effects),
    ).toEqual(orders.map(() => FULFILLED));
  });
});

test('a claim that is won too late is given back by its own late answer', async () => {
  const order = reserveStock('claimed too late');
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

function orderIdOf(task: TaskMessage): string {
  return (task.params as { orderId: string }).orderId;
}
