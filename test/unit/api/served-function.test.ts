import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { http } from '@google-cloud/functions-framework';
import { getTestServer } from '@google-cloud/functions-framework/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from '../../../functions/src/client/index.ts';
import type { Client } from '../../../functions/src/client/index.ts';
import { compose } from '../../../functions/src/compose.ts';
import type { Composition } from '../../../functions/src/compose.ts';
import { composeApi } from '../../../functions/src/compose-api.ts';
import { parseConfig } from '../../../functions/src/config.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

let folder: string;
let composition: Composition;
let server: Server;
let url: string;
let client: Client;

beforeAll(async () => {
  folder = await scratchFolder();
  const config = parseConfig({
    AGENT_ONCE_NAMESPACE: 'shop',
    AGENT_ONCE_STORE: `embedded:${join(folder, 'store.sqlite')}`,
    PUBSUB_EMULATOR_HOST: '127.0.0.1:8085',
    AGENT_ONCE_API_DEVELOPMENT_TOKEN: 'development-token',
  });
  if (!config.api) throw new Error('The service is not configured.');
  const telemetry = { decision: () => {}, event: () => {} };
  composition = await compose(config, { telemetry });
  http('api', await composeApi(config, config.api, composition.runtime));
  server = getTestServer('api').listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = createClient({ url, token: 'development-token' });
});

afterAll(async () => {
  server.closeAllConnections();
  await once(server.close(), 'close');
  await composition.close();
  await rm(folder, { recursive: true });
});

describe('the function on functions-framework', () => {
  it('guards a call, and replays it, with values that JSON alone does not know', async () => {
    const request = { key: 'order-17', action: 'payments.charge', params: { cents: 100 } };
    const at = { $date: '2026-01-31T00:00:00.000Z' };
    expect(await client.once(request, () => ({ at }))).toMatchObject({ replayed: false });
    expect(await client.once(request, () => ({}))).toEqual({ result: { at }, replayed: true });
  });

  it('lets the developer intervene, and keeps that on record', async () => {
    const claimed = await client.begin({ key: 'order-18' });
    if (claimed.state !== 'claimed') throw new Error('It was begun before.');
    await client.complete(claimed.handle, 1);
    const { token, fence } = claimed;
    await client.intervene(token, { verb: 'hold', reason: 'dispute', fence });
    expect(await client.get({ token })).toMatchObject({ hold: true });
    const { entries } = await client.interventions(token);
    expect(entries).toMatchObject([
      { verb: 'hold', actor: 'developer@localhost', reason: 'dispute', phase: 'intended' },
      { verb: 'hold', actor: 'developer@localhost', reason: 'dispute', phase: 'done' },
    ]);
  });

  it('keeps state, events and time in the same store', async () => {
    await client.writeState('account/1', { ifVersion: 0, value: { cents: 5 } });
    expect(await client.readState('account/1')).toMatchObject({ value: { cents: 5 } });
    const root = `k1_${'A'.repeat(43)}`;
    const logicalTime = await client.tick();
    await client.appendEvents(root, [{ key: 'e', type: 'Paid', data: 5, logicalTime }]);
    expect((await client.readEvents(root)).events).toMatchObject([{ type: 'Paid', logicalTime }]);
  });

  it('refuses a body that is too large, as it refuses it on its own', async () => {
    const response = await fetch(`${url}/v1/check`, {
      method: 'POST',
      headers: {
        Authorization: 'Bearer development-token',
        'Content-Type': 'application/json',
      },
      body: JSON.stringify({ params: 'x'.repeat(5_000_000) }),
    });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: 'too_large' });
  });
});
