import { afterAll, beforeAll, expect, inject, test } from 'vitest';

import { shownToken } from '../../functions/src/token/token.ts';
import { PUBSUB_ANSWERS } from '../../functions/src/operation/outcome.ts';
import type { OutcomeKind } from '../../functions/src/operation/outcome.ts';
import { deploy, orderTask } from '../support/deployment.ts';
import type { Deployment } from '../support/deployment.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import type { FaultProxy } from '../support/fault-proxy.ts';
import { seededRandom } from '../support/seeded-random.ts';

const TASKS = 200;
const COPIES = 5;
const PUBLISHERS = 4;
const KINDS = ['idempotent', 'reconcilable', 'once'] as const;

let deployment: Deployment;
let proxy: FaultProxy;

beforeAll(async () => {
  const firestore = inject('firestoreHost');
  proxy = await startFaultProxy({ target: firestore, seed: 7 });
  deployment = await deploy({ firestore, pubsub: inject('pubsubHost') });
});

afterAll(async () => {
  await deployment.close();
  await proxy.stop();
});

test('x', { timeout: 120_000 }, async () => {
  const t0 = performance.now();
  const mark = (s: string) => console.log(s, Math.round(performance.now() - t0));
  const { pubsub, operations, log, provider } = deployment;
  const functions = await Promise.all(
    [1, 2].map(() =>
      deployment.start({ source: 'under test', leaseMs: 15_000, firestore: proxy.host }),
    ),
  );
  mark('started');
  const topics = Array.from({ length: PUBLISHERS }, (_, i) => `tasks-${i}`);
  await Promise.all(topics.map((topic) => pubsub.addTopic(topic)));
  for (const [i, topic] of [...topics, 'tasks'].entries()) {
    await pubsub.push({ topic, port: functions[i % 2]!.port });
  }
  const tasks = Array.from({ length: TASKS }, (_, i) =>
    orderTask(`effects.${KINDS[i % KINDS.length]}`, { orderId: `storm-${i}`, alone: true }),
  );
  proxy.loseAnswers({ probability: 0.05, cut: 'call' });
  const random = seededRandom(1);
  const ids = (
    await Promise.all(
      topics.map(async (topic, p) => {
        const mine = tasks.flatMap((task, i) => (i % PUBLISHERS === p ? [task, task] : [task]));
        const shuffled = mine.map((task) => ({ task, at: random() })).toSorted((a, b) => a.at - b.at);
        return Promise.all(shuffled.map(({ task }) => pubsub.publish(task, topic)));
      }),
    )
  ).flat();
  mark(`published ${ids.length}`);
  const timer = setInterval(() => proxy.dropConnections(), 1_500);
  const progress = setInterval(() => { mark(JSON.stringify(count(log.all.map((e) => e.decision?.outcome ?? e.message.slice(0, 60))))); }, 5000);
  await Promise.all(
    ids.map((id) =>
      log.first(`ack of ${id}`, ({ decision }) => decision?.messageId === id && PUBSUB_ANSWERS[decision.outcome as OutcomeKind].status < 300),
    ),
  ).finally(() => { clearInterval(progress); mark(JSON.stringify(count(log.all.map((e) => e.decision?.outcome ?? e.message.slice(0, 60))))); console.log(proxy.counts); });
  mark('acked');
  clearInterval(timer);
  const records = await operations.read();
  console.log(count(records.map((r) => `${r.action} ${r.status} ${'sent' in r ? r.sent : ''} ${r.attempt}`)));
  const effects = await provider.effects();
  console.log(count(effects.map((e) => `${e.kind} ${e.orderId.endsWith('followed')}`)), new Set(effects.map((e) => e.orderId)).size);
  console.log((await pubsub.deadLetters()).length, shownToken.length);
  expect(1).toBe(1);
});

function count(items: string[]): Record<string, number> {
  const c: Record<string, number> = {};
  for (const i of items) c[i] = (c[i] ?? 0) + 1;
  return c;
}
