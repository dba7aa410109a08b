import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { jsonLinesTelemetry } from '../../../functions/src/adapters/system/telemetry.ts';
import { composeApi } from '../../../functions/src/compose-api.ts';
import { compose } from '../../../functions/src/compose.ts';
import type { Composition } from '../../../functions/src/compose.ts';
import { parseConfig } from '../../../functions/src/config.ts';
import { archiveShardHandler } from '../../../functions/src/handlers/archive-shard.ts';
import { runSweep } from '../../../functions/src/handlers/run-sweep.ts';
import { runTaskPush } from '../../../functions/src/handlers/run-task-push.ts';
import {
  contextHash,
  defineStep,
  defineWorkflow,
  keyToken,
  registerSteps,
  taskText,
} from '../../../functions/src/index.ts';
import type { Namespace, TaskMessage } from '../../../functions/src/index.ts';
import { StoreAway } from '../../../functions/src/operation/errors.ts';
import type { FunctionName } from '../../../infra/resource-names.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

export interface LoggedLine {
  readonly by: FunctionName;
  readonly line: string;
}

const NAMESPACE = 'shop' as Namespace;
const DEVELOPER = 'development-token';
const YEAR_MS = 365 * 86_400_000;

const pay = defineStep({
  action: 'test.pay',
  effect: 'idempotent',
  params: z.object({ cents: z.int() }),
  run: () => 'paid',
});
const ship = defineStep({
  action: 'test.ship',
  effect: 'once',
  params: z.object({}),
  async run({ start }) {
    await start();
    throw new Error('The connection broke after the order was sent.');
  },
});
const plan = defineStep({
  action: 'test.plan',
  effect: 'pure',
  params: z.object({}),
  run: () => 'planned',
  next: () => [{ action: 'test.pay', params: { cents: 'many' } }],
});
const stuck = defineWorkflow({
  name: 'test.order',
  version: 1,
  input: z.object({ cents: z.int() }),
})
  .step('pay', pay, { params: ({ input }) => ({ cents: input.cents }) })
  .step('ship', ship, {
    params() {
      throw new RangeError('There is no address.');
    },
  })
  .build();

/** Every kind of line that metrics are made from, as the functions themselves write them. */
export async function functionsLog(): Promise<readonly LoggedLine[]> {
  const folder = await scratchFolder();
  const lines: LoggedLine[] = [];
  let by: FunctionName = 'run-task';
  const telemetry = jsonLinesTelemetry({ write: (line) => void lines.push({ by, line }) });
  const config = parseConfig({
    AGENT_ONCE_STORE: `embedded:${join(folder, 'store.sqlite')}`,
    AGENT_ONCE_NAMESPACE: NAMESPACE,
    AGENT_ONCE_SHARDS: '1',
    PUBSUB_EMULATOR_HOST: '127.0.0.1:1',
    AGENT_ONCE_API_DEVELOPMENT_TOKEN: DEVELOPER,
  });
  const published: TaskMessage[] = [];
  const composition = await compose(config, {
    telemetry,
    publisher: ({ deadLetter }) => ({
      deadLetter,
      publish: async (tasks) => void published.push(...tasks),
    }),
  });
  const away = await compose(config, {
    telemetry,
    store: (real) => ({ ...real, claim: () => Promise.reject(new StoreAway('No answer.')) }),
  });
  try {
    await runTasks(composition, away, published);
    by = 'api';
    const { api } = config;
    if (!api) throw new Error('The HTTP service is not configured.');
    await callApi(await composeApi(config, api, composition.runtime));
    by = 'archive-shard';
    await archive(composition);
  } finally {
    await composition.close();
    await away.close();
    await rm(folder, { recursive: true, force: true });
  }
  return lines;
}

async function runTasks(
  { runtime }: Composition,
  away: Composition,
  published: TaskMessage[],
): Promise<void> {
  const steps = registerSteps([pay, ship, plan], [stuck]);
  const receiver = { runtime, steps, namespace: NAMESPACE, verifyCaller: 'unverified' as const };
  const short = (action: string, key: string, params: object, more: object = {}) =>
    JSON.stringify({ schema: 'agent-once/task@1', action, key, params, ...more });
  const token = keyToken(NAMESPACE, 'with-context');
  const inContext = (version: string) =>
    short(
      'test.pay',
      '',
      { cents: 1 },
      {
        key: undefined,
        token,
        contextHash: contextHash({ state: { version } }),
      },
    );

  await serving(runTaskPush(receiver), async (url) => {
    const push = pushing(url);
    await push(short('test.pay', 'order-1', { cents: 1 }));
    await push(short('test.pay', 'order-1', { cents: 1 }));
    await push(short('test.pay', 'order-1', { cents: 2 }));
    await push(short('test.pay', 'order-2', { cents: 'many' }));
    await push(short('test.pay', 'order-3', { cents: 3 }, { madeAt: Date.now() - 2 * YEAR_MS }));
    await push(short('test.ship', 'order-4', {}));
    await push(inContext('1'));
    await push(inContext('2'));
    await push(short('test.order', 'order-5', { cents: 5 }));
    await push(short('test.plan', 'order-8', {}));
    for (let task = published.shift(); task; task = published.shift()) await push(taskText(task));
  });
  await serving(runTaskPush({ ...receiver, runtime: away.runtime }), async (url) => {
    await pushing(url)(short('test.pay', 'order-6', { cents: 6 }));
  });
  await serving(runSweep(receiver), (url) => post(url, {}));
}

async function callApi(handler: Handler): Promise<void> {
  const headers = { Authorization: `Bearer ${DEVELOPER}`, 'Idempotency-Key': 'order-7' };
  await serving(handler, async (url) => {
    await post(`${url}v1/begin`, {}, headers);
    await post(`${url}v1/begin`, {}, headers);
  });
}

async function archive({ runtime }: Composition): Promise<void> {
  const { cold } = runtime;
  if (!cold) throw new Error('There is no cold storage.');
  const queue = { publish: () => Promise.resolve() };
  const options = { runtime, cold, queue, budgetMs: 1_000, verifyCaller: 'unverified' as const };
  await serving(archiveShardHandler(options), async (url) => {
    const order = { schema: 'agent-once/archive-shard@1', shard: 0, until: Date.now() - 60_000 };
    await pushing(url)(JSON.stringify(order));
  });
}

type Handler = (...request: Parameters<RequestListener>) => unknown;

let messages = 0;

const pushing = (url: string) => (data: string) => {
  messages += 1;
  return post(url, {
    message: { messageId: `m${messages}`, data: Buffer.from(data).toString('base64') },
  });
};

async function post(
  url: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<void> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  await answer.arrayBuffer();
}

async function serving(handler: Handler, use: (url: string) => Promise<unknown>): Promise<void> {
  const server = createServer((request, response) => void handler(request, response));
  const { promise: listening, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await listening;
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
