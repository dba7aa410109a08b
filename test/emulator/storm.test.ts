import { afterAll, beforeAll, expect, inject, test } from 'vitest';

import type { TaskMessage } from '../../functions/src/index.ts';
import { acknowledged } from '../support/acknowledged.ts';
import { deploy, orderTask } from '../support/deployment.ts';
import type { Deployment } from '../support/deployment.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import type { FaultProxy } from '../support/fault-proxy.ts';

const TASKS = 200;
const COPIES = 5;
const PUBLISHERS = 4;
const PROCESSES = 2;
/** Of the answers to writes, each is lost so often. */
const LOST = 0.05;
/** All connections are cut each time that so many deliveries have been answered. */
const ANSWERS_PER_CUT = 50;
const SEED = 20_260_131;
const TIMEOUT_MS = 360_000;
const KINDS = ['idempotent', 'reconcilable', 'once'] as const;

let deployment: Deployment;
let proxy: FaultProxy;

beforeAll(async () => {
  const firestore = inject('firestoreHost');
  proxy = await startFaultProxy({ target: firestore, seed: SEED });
  deployment = await deploy({ firestore, pubsub: inject('pubsubHost') });
  const processes = await Promise.all(
    Array.from({ length: PROCESSES }, () =>
      deployment.start({ source: 'under test', leaseMs: 15_000, firestore: proxy.host }),
    ),
  );
  for (let publisher = 0; publisher < PUBLISHERS; publisher += 1) {
    await deployment.pubsub.addTopic(topicOf(publisher));
    const { port = 0 } = processes[publisher % PROCESSES] ?? {};
    await deployment.pubsub.push({ topic: topicOf(publisher), port });
  }
});

afterAll(async () => {
  await deployment.close();
  await proxy.stop();
});

test(
  `${TASKS} tasks, each published ${COPIES} times by ${PUBLISHERS} publishers while the way to Firestore is bad, ` +
    `have ${TASKS} effects and ${TASKS} results`,
  { timeout: TIMEOUT_MS },
  async () => {
    const { operations, provider, pubsub } = deployment;
    const tasks = Array.from({ length: TASKS }, (_, index) => {
      const kind = KINDS[index % KINDS.length];
      return orderTask(`effects.${kind}`, { orderId: `order-${index}`, alone: true });
    });
    proxy.loseAnswers({ probability: LOST, cut: 'call' });
    cutAsAnswersCome();

    const messageIds = await publishAll(tasks);
    await acknowledged(deployment.log, [...messageIds]);
    proxy.pass();

    expect(messageIds.size).toBe(TASKS * COPIES);
    expect(proxy.counts.lostAnswers).toBeGreaterThan(TASKS * LOST);
    expect(proxy.counts.dropped).toBeGreaterThan((TASKS * COPIES) / ANSWERS_PER_CUT);

    const records = await operations.read();
    expect(records).toHaveLength(TASKS);
    for (const record of records) {
      expect(record).toMatchObject({ status: 'completed', sent: true, result: { kind: 'inline' } });
    }
    const effects = await provider.effects();
    expect(effects.map(({ orderId }) => orderId).toSorted()).toEqual(
      tasks.map((_, index) => `order-${index}`).toSorted(),
    );
    expect(await pubsub.deadLetters()).toEqual([]);
  },
);

const topicOf = (publisher: number): string => `tasks-${publisher}`;

/** All publishers publish each task at the same time, so that its copies meet. */
async function publishAll(tasks: readonly TaskMessage[]): Promise<Set<string>> {
  const ids = tasks.flatMap((task, index) =>
    Array.from({ length: COPIES }, (_, copy) =>
      deployment.pubsub.publish(task, topicOf((index + copy) % PUBLISHERS)),
    ),
  );
  return new Set(await Promise.all(ids));
}

function cutAsAnswersCome(): void {
  let answers = 0;
  deployment.log.each(({ decision }) => {
    if (decision) answers += 1;
    if (decision && answers % ANSWERS_PER_CUT === 0) proxy.dropConnections();
  });
}
