import { z } from 'zod';
import { jsonLinesTelemetry } from '../../functions/src/adapters/system/telemetry.ts';
import { archiveShard } from '../../functions/src/engine/archive-shard.ts';
import { runTask } from '../../functions/src/engine/run-task.ts';
import type { Runtime } from '../../functions/src/engine/runtime.ts';
import {
  defineStep,
  defineWorkflow,
  makeTask,
  registerSteps,
  taskText,
} from '../../functions/src/index.ts';
import type { AnyStep, Namespace, TaskMessage } from '../../functions/src/index.ts';
import type { ColdStorage } from '../../functions/src/ports/cold-storage.ts';
import { createTokenStore } from '../../functions/src/store/token-store.ts';
import { aDelivery, aRuntime, settableClock } from '../../functions/src/testing/index.ts';
import { memoryDocuments } from '../../functions/src/testing/memory-documents.ts';
import { countedDocuments } from './counted-documents.ts';
import type { Counts } from './counted-documents.ts';

const NAMESPACE = 'shop' as Namespace;
const ORIGIN = { namespace: NAMESPACE, agent: 'shop', key: 'order-17' };
const DAY_MS = 86_400_000;
/** How many operations are archived together, as far as there are so many. */
const BATCH = 1_000;

export interface Situation extends Counts {
  readonly what: string;
  /** Messages delivered; each was published once. */
  readonly messages: number;
  readonly messageBytes: number;
  readonly logBytes: number;
  readonly objects: number;
}

const nothing = z.object({});
const ship = defineStep({ action: 'parcels.ship', effect: 'pure', params: nothing, run: () => 1 });

function charge(effect: 'idempotent' | 'once', leadsOn = false): AnyStep {
  return defineStep({
    action: 'payments.charge',
    effect,
    params: nothing,
    async run({ start }) {
      if (effect === 'once') await start();
      return { chargeId: 'charge-1' };
    },
    next: () => (leadsOn ? [ship.task({})] : []),
  });
}

const saga = defineWorkflow({ name: 'order.fulfil', version: 1, input: nothing })
  .step('first', charge('idempotent'), { params: () => ({}) })
  .step('second', ship, { params: () => ({}) })
  .step('third', ship, { params: () => ({}) })
  .build();

/** A deployment in memory: one store, whatever it is asked counted. */
function deployment() {
  const clock = settableClock();
  const { documents, take } = countedDocuments(memoryDocuments(() => clock.now()));
  const store = createTokenStore(documents, { shards: 1 });
  let logBytes = 0;
  const telemetry = jsonLinesTelemetry({
    write: (line) => void (logBytes += line.length),
    now: () => clock.now(),
    project: 'your-project-prod',
  });
  const published: TaskMessage[] = [];
  const publisher = {
    publish: async (tasks: readonly TaskMessage[]) => void published.push(...tasks),
    deadLetter: async () => {},
  };
  const instance = (): Runtime => aRuntime({ store, clock, telemetry, publisher });
  /** In hundreds: names make one line longer than another. */
  const takeLog = (): number => {
    const taken = Math.ceil(logBytes / 100) * 100;
    logBytes = 0;
    return taken;
  };
  return { clock, store, instance, published, take, takeLog };
}

/** What each situation asks of the store, counted by running it through the engine itself. */
export async function countOperations(): Promise<readonly Situation[]> {
  const found: Situation[] = [];
  const { instance, take, takeLog, clock, published } = deployment();
  const taskOf = (step: AnyStep, key: string): TaskMessage =>
    makeTask(step.task({}), { ...ORIGIN, key }, clock.now());

  async function counting(
    what: string,
    tasks: number,
    run: () => Promise<TaskMessage>,
  ): Promise<void> {
    take();
    takeLog();
    const messageBytes = taskText(await run()).length;
    found.push({ what, ...take(), messages: tasks, messageBytes, logBytes: takeLog(), objects: 0 });
  }
  const delivered = async (
    runtime: Runtime,
    step: AnyStep,
    task: TaskMessage,
    messageId: string,
  ) => {
    const steps = registerSteps([step, ...(step === ship ? [] : [ship])]);
    await runTask(runtime, steps, aDelivery(task, { namespace: NAMESPACE, messageId }));
    return task;
  };

  const idempotent = charge('idempotent');
  const first = instance();
  const task = taskOf(idempotent, 'order-1');
  await counting('a step, `pure` or `idempotent`', 1, () =>
    delivered(first, idempotent, task, '1'),
  );
  await counting('a step, `reconcilable` or `once`', 1, () =>
    delivered(instance(), charge('once'), taskOf(charge('once'), 'order-2'), '1'),
  );
  await counting('a step with a follow-up, outside a workflow', 1, () =>
    delivered(instance(), charge('idempotent', true), taskOf(idempotent, 'order-3'), '1'),
  );
  const windowed = makeTask(
    idempotent.task({}),
    { namespace: NAMESPACE, agent: 'shop' },
    clock.now(),
  );
  await counting('a step without a key, by window', 1, () =>
    delivered(instance(), idempotent, windowed, '1'),
  );
  await counting('a duplicate, to the instance that ran it', 1, () =>
    delivered(first, idempotent, task, '2'),
  );
  await counting('a duplicate, to another instance', 1, () =>
    delivered(instance(), idempotent, task, '3'),
  );
  published.length = 0;
  const workflow = await countWorkflow();
  return [...found, workflow, await countArchive()];
}

/** From the first task to the last step's record. */
async function countWorkflow(): Promise<Situation> {
  const { instance, take, takeLog, clock, published } = deployment();
  const runtime = instance();
  const steps = registerSteps([], [saga]);
  published.push(makeTask({ action: saga.name, params: {} }, ORIGIN, clock.now()));
  let messages = 0;
  let messageBytes = 0;
  for (let task = published.shift(); task; task = published.shift()) {
    messages += 1;
    messageBytes = Math.max(messageBytes, taskText(task).length);
    const rest = { namespace: NAMESPACE, messageId: `m${messages}` };
    await runTask(runtime, steps, aDelivery(task, rest));
  }
  const what = 'a workflow of three steps, whole';
  return { what, ...take(), messages, messageBytes, logBytes: takeLog(), objects: 0 };
}

/** One token's share of a full batch, and its removal by Firestore's TTL in the end. */
async function countArchive(): Promise<Situation> {
  const { instance, take, clock } = deployment();
  const runtime = instance();
  const step = charge('idempotent');
  const steps = registerSteps([step]);
  for (let number = 0; number < BATCH; number += 1) {
    const task = makeTask(step.task({}), { ...ORIGIN, key: `order-${number}` }, clock.now());
    await runTask(
      runtime,
      steps,
      aDelivery(task, { namespace: NAMESPACE, messageId: String(number) }),
    );
  }
  await clock.advance(400 * DAY_MS);
  take();
  let objects = 0;
  const cold: ColdStorage = {
    put: async () => ((objects += 1), 'written' as const),
    read: async () => undefined,
    list: async function* () {},
    delete: async () => 'absent' as const,
  };
  const until = clock.now();
  const { moved } = await archiveShard(runtime, cold, { shard: 0, until, budgetMs: 60_000 });
  if (moved !== BATCH) throw new Error(`${moved} of ${BATCH} operations were archived.`);
  const { writes, reads } = take();
  return {
    what: 'archiving and forgetting a token',
    writes: writes / BATCH,
    reads: reads / BATCH,
    deletes: 1,
    objects: objects / BATCH,
    messages: 0,
    messageBytes: 0,
    logBytes: 0,
  };
}
