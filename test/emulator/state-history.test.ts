import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { PubSub, SchemaTypes } from '@google-cloud/pubsub';
import type { Message } from '@google-cloud/pubsub';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { createClient } from '../../functions/src/client/index.ts';
import { stateSchema } from '../../infra/state-history-sql.ts';
import { startBoundProcess } from '../../scripts/emulators/bound-process.ts';
import type { BoundProcess } from '../../scripts/emulators/bound-process.ts';
import { claimPort, LOOPBACK } from '../../scripts/emulators/ports.ts';
import { environment } from '../support/deployment.ts';
import { frameworkArguments } from '../support/functions-process.ts';

const TOPIC = 'state-history';
const TOKEN = 'development-token';

let project: string;
let pubsub: PubSub;
const running: BoundProcess[] = [];

beforeEach(async () => {
  project = `demo-${randomUUID().slice(0, 8)}`;
  pubsub = new PubSub({
    projectId: project,
    apiEndpoint: inject('pubsubHost'),
    emulatorMode: true,
  });
  const definition = JSON.stringify(stateSchema());
  const schema = await pubsub.createSchema(TOPIC, SchemaTypes.Avro, definition);
  const [topic] = await pubsub.createTopic({
    name: TOPIC,
    schemaSettings: { schema: await schema.getName(), encoding: 'JSON' },
  });
  await topic.createSubscription('kept');
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.stop()));
  await pubsub.close();
});

/** A function as it is deployed, in a process of its own, with Pub/Sub where it is told. */
async function serve(target: 'api' | 'sweep', pubsubHost: string): Promise<BoundProcess> {
  const port = await claimPort('functions process', undefined);
  const started = await startBoundProcess({
    title: `function ${target}`,
    command: process.execPath,
    args: frameworkArguments('deployed', port).map((each) =>
      each.startsWith('--target=') ? `--target=${target}` : each,
    ),
    env: {
      ...environment(project, { firestore: inject('firestoreHost'), pubsub: pubsubHost }),
      AGENT_ONCE_STATE_HISTORY_TOPIC: TOPIC,
      AGENT_ONCE_API_DEVELOPMENT_TOKEN: TOKEN,
    },
    host: `${LOOPBACK}:${port}`,
  });
  running.push(started);
  return started;
}

async function nextPublished(): Promise<unknown> {
  const subscription = pubsub.subscription('kept');
  const [message] = (await once(subscription, 'message')) as [Message];
  message.ack();
  await subscription.close();
  return JSON.parse(message.data.toString());
}

const clientOf = ({ host }: BoundProcess) => createClient({ url: `http://${host}`, token: TOKEN });

test('the HTTP service publishes each version right after its write', async () => {
  const client = clientOf(await serve('api', inject('pubsubHost')));
  await client.writeState('account/1', { ifVersion: 0, value: { balance: 5 }, schemaVersion: 2 });
  const { at, token } = (await client.readState('account/1')) ?? { at: 0, token: '' };
  expect(await nextPublished()).toEqual({
    namespace: 'shop',
    entity: 'account/1',
    version: 1,
    schema_version: 2,
    token,
    state: '{"balance":5}',
    at: Math.round(at * 1_000),
  });
});

test('a version whose writer is killed before it was published is published by the next sweep', async () => {
  const silent = createServer();
  silent.listen(0, LOOPBACK);
  await once(silent, 'listening');
  const reached = once(silent, 'connection'); // the write stands, and its version is being published
  const api = await serve('api', `${LOOPBACK}:${(silent.address() as AddressInfo).port}`);
  const writing = fetch(`http://${api.host}/v1/state`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify({
      entity: 'account/1',
      ifVersion: 0,
      value: { balance: 5 },
      key: 'first',
    }),
  }).then(
    () => 'answered',
    () => 'no answer',
  );
  const [socket] = (await reached) as [Socket];
  process.kill(api.pid, 'SIGKILL');
  await api.exited;
  expect(await writing).toBe('no answer');
  socket.destroy();
  silent.close();

  const { host } = await serve('sweep', inject('pubsubHost'));
  const sweep = async () => (await fetch(`http://${host}/`, { method: 'POST' })).json();
  expect(await sweep()).toMatchObject({ versions: 1, failed: 0 });
  expect(await nextPublished()).toMatchObject({ entity: 'account/1', version: 1 });
  expect(await sweep()).toMatchObject({ versions: 0, failed: 0 });
});
