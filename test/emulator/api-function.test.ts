import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, inject, it, vi } from 'vitest';
import { createClient } from '../../functions/src/client/index.ts';
import type { Client } from '../../functions/src/client/index.ts';
import { composeApi } from '../../functions/src/compose-api.ts';
import { compose } from '../../functions/src/compose.ts';
import type { Composition } from '../../functions/src/compose.ts';
import { parseConfig } from '../../functions/src/config.ts';

let composition: Composition;
let server: Server;
let client: Client;

beforeAll(async () => {
  // Where the client libraries look for it.
  vi.stubEnv('FIRESTORE_EMULATOR_HOST', inject('firestoreHost'));
  vi.stubEnv('METADATA_SERVER_DETECTION', 'none');
  const config = parseConfig({
    AGENT_ONCE_NAMESPACE: 'shop',
    GOOGLE_CLOUD_PROJECT: `demo-${randomUUID().slice(0, 8)}`,
    AGENT_ONCE_TASK_TOPIC: 'tasks',
    AGENT_ONCE_DEAD_LETTER_TOPIC: 'dead-letters',
    AGENT_ONCE_BLOB_BUCKET: 'blobs',
    FUNCTION_TIMEOUT_SECONDS: '60',
    AGENT_ONCE_ACK_DEADLINE_SECONDS: '120',
    PUBSUB_EMULATOR_HOST: '127.0.0.1:1',
    FIRESTORE_EMULATOR_HOST: inject('firestoreHost'),
    AGENT_ONCE_API_DEVELOPMENT_TOKEN: 'development-token',
  });
  if (!config.api) throw new Error('The service is not configured.');
  const telemetry = { decision: () => {}, event: () => {} };
  composition = await compose(config, { telemetry });
  const handle = await composeApi(config, config.api, composition.runtime);
  server = createServer((request, response) => void handle(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = createClient({ url, token: 'development-token' });
});

afterAll(async () => {
  server.closeAllConnections();
  await once(server.close(), 'close');
  await composition.close();
  vi.unstubAllEnvs();
});

it('the function, as it is composed for the cloud, keeps everything in Firestore', async () => {
  const request = { key: 'order-17', action: 'payments.charge', params: { cents: 100 } };
  expect(await client.once(request, () => 'charged')).toMatchObject({ replayed: false });
  expect(await client.once(request, () => 'again')).toEqual({ result: 'charged', replayed: true });

  const operation = await client.get(request);
  const { token = '', fence = 0 } = operation ?? {};
  await client.intervene(token, { verb: 'hold', reason: 'dispute', fence });
  expect((await client.interventions(token)).entries).toMatchObject([
    { phase: 'intended' },
    { phase: 'done' },
  ]);

  await client.writeState('account/1', { ifVersion: 0, value: 5 });
  expect(await client.readState('account/1')).toMatchObject({ version: 1, value: 5 });
  const logicalTime = await client.tick();
  await client.appendEvents(token, [{ key: 'e', type: 'Paid', data: 5, logicalTime }]);
  expect((await client.readEvents(token)).events).toMatchObject([{ type: 'Paid', logicalTime }]);
});
