import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json as readJson } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { PubSub } from '@google-cloud/pubsub';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { connect } from '../../functions/src/cli/connect.ts';
import { taskText } from '../../functions/src/index.ts';
import { shownToken } from '../../functions/src/token/token.ts';
import { LOOPBACK } from '../../scripts/emulators/ports.ts';
import { deploy } from '../support/deployment.ts';
import type { Deployment } from '../support/deployment.ts';
import { reserveStock, SKU } from '../support/orders.ts';
import { DEAD_LETTER_TOPIC } from '../support/pubsub-fixture.ts';
import { cli } from '../unit/cli/deployment.ts';

const DYING = fileURLToPath(new URL('../support/dies-before-acknowledging.ts', import.meta.url));

interface Push {
  readonly message: { readonly data: string; readonly attributes?: Record<string, string> };
}

interface Letter {
  readonly reason: string;
  readonly token: string;
  readonly messageId: string;
}

let deployment: Deployment;
/** What stands before the functions: it lets nothing through until the outage is over. */
const gate = { open: false, pushes: [] as Push[] };
const server = createServer((request, response) => {
  void (async () => {
    const body = (await readJson(request)) as Push;
    if (!gate.open) {
      response.writeHead(503).end();
      return;
    }
    gate.pushes.push(body);
    const headers = { 'Content-Type': 'application/json' };
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    response.writeHead(answer.status).end();
  })();
});
let url: string;

beforeAll(async () => {
  deployment = await deploy({ firestore: inject('firestoreHost'), pubsub: inject('pubsubHost') });
  ({ url } = await deployment.start({ source: 'deployed' }));
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await deployment.pubsub.push({ port, givesUp: true });
  await deployment.provider.stock(SKU, 10);
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await deployment.close();
});

function agentOnce(...args: string[]) {
  return cli(connect, ['--json', ...args], { env: { ...deployment.env } });
}

async function letters(): Promise<readonly Letter[]> {
  const { out } = await agentOnce('dead-letters');
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Letter);
}

/** What is held by somebody is not listed: asks until there are so many. */
async function lettersOnceThere(count: number): Promise<readonly Letter[]> {
  for (;;) {
    const found = await letters();
    if (found.length >= count) return found;
  }
}

async function replay(...args: string[]): Promise<unknown> {
  const { out, err, code } = await agentOnce('dead-letters', 'replay', ...args);
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out);
}

const decided = (what: string, outcome: string, count = 1) => {
  let left = count;
  return deployment.log.first(what, ({ decision }) => {
    if (decision?.outcome === outcome) left -= 1;
    return left === 0;
  });
};

test('what was given up in an outage runs once, though its replay is killed in the middle', async () => {
  const task = reserveStock('given-up');
  await deployment.pubsub.publish(task);
  const [givenUp] = await lettersOnceThere(1);
  expect(givenUp).toMatchObject({
    action: 'inventory.reserve',
    reason: 'undelivered',
    token: shownToken(task.token),
  });

  gate.open = true;
  const refused = reserveStock('refused', 0);
  await deployment.pubsub.publish(refused);
  await decided('the refusal', 'invalid');
  expect((await lettersOnceThere(2)).map(({ reason }) => reason).toSorted()).toEqual([
    'invalid',
    'undelivered',
  ]);
  expect(await replay('--dry-run')).toMatchObject({ replayed: 1, kept: { invalid: 1 } });

  const dying = spawn(process.execPath, [DYING, 'dead-letters', 'replay'], {
    env: { ...process.env, ...deployment.env },
    stdio: 'ignore',
  });
  expect(await once(dying, 'exit')).toEqual([null, 'SIGKILL']);
  await decided('the first replay', 'completed');
  expect(await lettersOnceThere(2)).toHaveLength(2);

  expect(await replay()).toMatchObject({ replayed: 1, kept: { invalid: 1 }, failed: 0 });
  await decided('the second replay', 'replayed');
  expect(await deployment.provider.effects({ order: 'given-up' })).toHaveLength(1);

  const delivered = gate.pushes
    .map(({ message }) => message)
    .filter(({ data }) => Buffer.from(data, 'base64').toString() === taskText(task));
  expect(delivered).toHaveLength(2);
  for (const { attributes } of delivered) {
    expect(attributes).toEqual({ schema: task.schema, action: task.action });
  }
  expect((await letters()).map(({ reason }) => reason)).toEqual(['invalid']);
});

test('what was refused is refused again where nobody has mended it, under its own message', async () => {
  const [before] = await lettersOnceThere(1);
  expect(await replay('--reason', 'invalid')).toMatchObject({ replayed: 1, failed: 0 });
  await decided('the second refusal', 'invalid', 2);
  const [after, ...others] = await lettersOnceThere(1);
  expect(others).toEqual([]);
  expect(after).toMatchObject({ reason: 'invalid', token: before?.token });
  expect(after?.messageId).not.toBe(before?.messageId);
});

test('a replayed message has its own attributes, and none of those that tell why it was dead', async () => {
  const projectId = deployment.env['GOOGLE_CLOUD_PROJECT'];
  const pubsub = new PubSub({
    projectId: projectId!,
    apiEndpoint: inject('pubsubHost'),
    emulatorMode: true,
  });
  const task = reserveStock('with attributes');
  const own = { tenant: 'north', googclient_traceparent: 'theirs' };
  const data = Buffer.from(taskText(task));
  const publish = (notes: Record<string, string>) =>
    pubsub.topic(DEAD_LETTER_TOPIC).publishMessage({ data, attributes: { ...own, ...notes } });
  await publish({
    CloudPubSubDeadLetterSourceDeliveryCount: '100',
    CloudPubSubDeadLetterSourceSubscription: 'agent-once-tasks-push',
  });
  await publish({ 'agent-once-reason': 'of-a-later-build', 'agent-once-message-id': '17' });
  await pubsub.close();

  const found = await lettersOnceThere(3);
  expect(found.find(({ reason }) => reason === 'undelivered')).toMatchObject({
    faults: ['delivered 100 times in vain'],
  });
  expect(found.find(({ messageId }) => messageId === '17')).toMatchObject({ reason: 'invalid' });
  expect(await replay()).toMatchObject({ replayed: 1, kept: { invalid: 2 } });
  await deployment.operations.states.first('the operation', (record) => {
    return record.token === task.token && record.status === 'completed';
  });
  const pushes = gate.pushes.filter(({ message }) => message.data === data.toString('base64'));
  expect(pushes.map(({ message }) => message.attributes)).toEqual([own]);
});

test('a subscription that is not there, or a topic that is not named, is told as that', async () => {
  const { AGENT_ONCE_DEAD_LETTER_TOPIC: _, ...env } = deployment.env;
  const elsewhere = { ...env, AGENT_ONCE_DEAD_LETTER_TOPIC: 'elsewhere' };
  const absent = await cli(connect, ['dead-letters'], { env: elsewhere });
  expect(absent.code).toBe(1);
  expect(absent.err).toMatch(
    /^There is no subscription projects\/\S+\/subscriptions\/elsewhere-kept: /,
  );
  const unnamed = await cli(connect, ['dead-letters'], { env });
  expect(unnamed.code).toBe(2);
  expect(unnamed.err).toContain('AGENT_ONCE_DEAD_LETTER_TOPIC is needed');
});
