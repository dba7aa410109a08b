import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { makeTask } from '../../functions/src/index.ts';
import type { TaskMessage } from '../../functions/src/index.ts';
import type { SweptAll } from '../../functions/src/engine/sweep-all.ts';
import type { OperationRecord } from '../../functions/src/operation/record.ts';
import type { WorkflowRecord } from '../../functions/src/workflow/record.ts';
import { deploy, NAMESPACE } from './deployment.ts';
import type { Hosts } from './deployment.ts';
import { acknowledged } from './acknowledged.ts';
import { sweepOnAndOn } from './saga-sweep.ts';
import type { Sweeping } from './saga-sweep.ts';
import { topicOf, twoWorkers } from './saga-topics.ts';
import { startSagaWorkers } from './saga-workers.ts';
import { scratchFolder } from './scratch-folder.ts';
import { seededRandom } from './seeded-random.ts';
import { orderSaga } from './steps/saga.ts';
import type { SagaInput } from './steps/saga.ts';
import { watchWorkflows } from './watched-workflows.ts';

export interface StormSize {
  readonly sagas: number;
  readonly kills: number;
  readonly seed: number;
}

/** One order, and what became of it. */
export interface EndedSaga extends SagaInput {
  /** The provider refuses for good to ship it. */
  readonly undeliverable: boolean;
  readonly workflow: WorkflowRecord | undefined;
  /** As the ledger by its root token lists them. */
  readonly operations: readonly OperationRecord[];
}

export interface StormReport {
  readonly kills: number;
  readonly swept: SweptAll;
  readonly sagas: readonly EndedSaga[];
  readonly balance: Awaited<ReturnType<Storm['provider']['balance']>>;
  readonly deadLetters: number;
}

export const SKU = 'book';
export const STOCK = 100_000;
const WORKERS = 3;
const SHARDS = 2;
const LEASE_MS = 1_000;
/** A kill comes within so long after two workers serve and what is due has begun. */
const LONGEST_PAUSE_MS = 800;
/** How long the provider takes over each effect, so that kills meet effects under way. */
const EFFECT_MS = 200;
/** The last saga begins when this share of the kills is still to come. */
const LAST_SHARE = 0.1;
const EVER = 1_000_000;

type Storm = Awaited<ReturnType<typeof deploy>>;

/** Runs sagas while their workers are killed, from the first to the last kill and until all have ended. */
export async function stormSagas(hosts: Hosts, size: StormSize): Promise<StormReport> {
  const deployment = await deploy(hosts);
  const project = deployment.env['GOOGLE_CLOUD_PROJECT'] ?? '';
  const env = { ...deployment.env, AGENT_ONCE_SHARDS: String(SHARDS) };
  const cache = await scratchFolder();
  const watched = watchWorkflows(hosts.firestore, project);
  const options = { workers: WORKERS, leaseMs: LEASE_MS, cache };
  const workers = await startSagaWorkers({ ...deployment, env }, options);
  const sweeping = sweepOnAndOn({ ...hosts, project, workers: WORKERS, shards: SHARDS });
  try {
    const random = seededRandom(size.seed);
    const orders = ordersOf(size, random);
    const tasks = orders.map(startOf);
    await setUp(deployment, orders);

    const kills = await killAndBegin(deployment, workers, tasks, size, random);
    await workers.settled();
    await watched.ended(tasks.map(({ root }) => root));
    await acknowledged(deployment.log, await publishTwice(deployment, tasks, random));
    return {
      kills,
      swept: await sweeping.stop(),
      sagas: await Promise.all(orders.map((order, index) => endOf(sweeping, order, tasks[index]))),
      balance: await deployment.provider.balance(),
      deadLetters: (await deployment.pubsub.deadLetters()).length,
    };
  } finally {
    await workers.close();
    await Promise.all([sweeping.close(), watched.close()]);
    await deployment.close();
    await rm(cache, { recursive: true, force: true });
  }
}

type Order = SagaInput & Pick<EndedSaga, 'undeliverable'>;

function ordersOf({ sagas }: StormSize, random: () => number): Order[] {
  return Array.from({ length: sagas }, (_, index) => ({
    orderId: `order-${index}`,
    sku: SKU,
    quantity: 1 + Math.floor(random() * 9),
    amountCents: 1 + Math.floor(random() * 9_999),
    undeliverable: index % 3 === 1,
  }));
}

function startOf({ orderId, sku, quantity, amountCents }: Order): TaskMessage {
  const origin = { namespace: NAMESPACE, agent: 'shop', key: orderId };
  const work = orderSaga.task({ orderId, sku, quantity, amountCents });
  return makeTask(work, origin, Date.now());
}

async function setUp({ provider }: Storm, orders: readonly Order[]): Promise<void> {
  await provider.stock(SKU, STOCK);
  for (const { orderId } of orders.filter(({ undeliverable }) => undeliverable)) {
    const aim = { path: '/effects/keyed', match: orderId, times: EVER };
    await provider.fault({ fault: 'refuse', code: 'undeliverable', ...aim });
  }
  await provider.fault({ fault: 'slow', ms: EFFECT_MS, times: EVER });
}

/** Begins sagas in step with the kills, so that every kill meets some that run. */
async function killAndBegin(
  deployment: Storm,
  workers: Awaited<ReturnType<typeof startSagaWorkers>>,
  tasks: readonly TaskMessage[],
  size: StormSize,
  random: () => number,
): Promise<number> {
  let begun = 0;
  let kills = 0;
  for (; kills < size.kills; kills += 1) {
    await workers.ready();
    const share = kills / size.kills + LAST_SHARE;
    const due = Math.min(tasks.length, Math.ceil(tasks.length * share));
    await publishTwice(deployment, tasks.slice(begun, due), random);
    begun = due;
    await delay(random() * LONGEST_PAUSE_MS);
    await workers.kill(random);
  }
  return kills;
}

async function publishTwice(
  { pubsub }: Storm,
  tasks: readonly TaskMessage[],
  random: () => number,
): Promise<string[]> {
  const ids = tasks.flatMap((task) =>
    twoWorkers(WORKERS, random).map((worker) => pubsub.publish(task, topicOf(worker))),
  );
  return Promise.all(ids);
}

async function endOf(
  { store }: Sweeping,
  order: Order,
  task: TaskMessage | undefined,
): Promise<EndedSaga> {
  if (!task) throw new Error(`${order.orderId} was never begun.`);
  const answer = await store.workflows?.get(NAMESPACE, task.root);
  const { operations } = await store.ledger(NAMESPACE, task.root, { limit: 100 });
  return {
    ...order,
    workflow: answer?.found?.record,
    operations: operations.map(({ record }) => record),
  };
}
