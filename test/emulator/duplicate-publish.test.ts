import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterEach, beforeEach, expect, inject, test } from 'vitest';

import { LOOPBACK } from '../../scripts/emulators/ports.ts';
import { deploy, orderTask } from '../support/deployment.ts';
import type { Deployment } from '../support/deployment.ts';

/** Pub/Sub itself dead-letters after five deliveries, the fewest that a subscription can be set to. */
const GIVES_UP = { givesUp: true };
const DELIVERIES = 5;
const LEASE_MS = 1_000;
/** A heartbeat each half lease: the step outlasts its first lease four times. */
const RENEWALS = 8;

let deployment: Deployment;

beforeEach(async () => {
  deployment = await deploy({ firestore: inject('firestoreHost'), pubsub: inject('pubsubHost') });
});

afterEach(() => deployment.close());

test('duplicates published during a long step are acknowledged, and the step runs once', async () => {
  const { pubsub, provider, providerEvents, operations, log } = deployment;
  const { port } = await deployment.start({ source: 'under test', leaseMs: LEASE_MS });
  await pubsub.push({ port, ...GIVES_UP });
  await provider.fault({ fault: 'hold', match: 'long' });
  const task = orderTask('effects.once', { orderId: 'long' });
  const decided = (messageId: string) =>
    log.first(`the answer to message ${messageId}`, (entry) => {
      return entry.decision?.messageId === messageId;
    });
  let renewals = -2; // the claim and the start are states as well
  operations.states.each(({ token, status }) => {
    if (token === task.token && status === 'claimed') renewals += 1;
  });

  const first = await pubsub.publish(task);
  await providerEvents.first('the call for the effect', ({ event }) => event === 'held');
  const answers: (string | undefined)[] = [];
  for (let copy = 0; copy < 2 * DELIVERIES; copy += 1) {
    const { decision } = await decided(await pubsub.publish(task));
    answers.push(decision?.outcome);
  }
  await operations.states.first(`renewal ${RENEWALS}`, () => renewals >= RENEWALS);
  await provider.release('long');

  expect(new Set(answers)).toEqual(new Set(['in_flight_elsewhere']));
  expect((await decided(first)).decision).toMatchObject({ outcome: 'completed', attempt: 1 });
  expect(await provider.effects({ order: 'long' })).toHaveLength(1);
  expect(await pubsub.deadLetters()).toEqual([]);
});

test('the same subscription dead-letters what it is refused five times', async () => {
  let deliveries = 0;
  const refusing = createServer((request, response) => {
    deliveries += 1;
    request.resume();
    response.writeHead(429).end();
  });
  refusing.listen(0, LOOPBACK);
  await once(refusing, 'listening');
  const { port } = refusing.address() as AddressInfo;
  await deployment.pubsub.push({ port, ...GIVES_UP });

  await deployment.pubsub.publish(orderTask('effects.once', { orderId: 'refused' }));
  const letters = await deployment.pubsub.deadLetters(1);

  expect(deliveries).toBe(DELIVERIES);
  expect(letters).toMatchObject([{ attributes: { action: 'effects.once' } }]);
  refusing.close();
});
