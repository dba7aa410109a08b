import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { idTokenCaller } from '../../functions/src/adapters/auth/api-caller.ts';
import { embeddedAuditLog } from '../../functions/src/adapters/embedded/audit-log.ts';
import { embeddedEvents } from '../../functions/src/adapters/embedded/events.ts';
import { embeddedLogicalTime } from '../../functions/src/adapters/embedded/logical-time.ts';
import { embeddedState } from '../../functions/src/adapters/embedded/state.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import { createApi } from '../../functions/src/handlers/api/app.ts';
import { claimHandles } from '../../functions/src/handlers/api/claim-handle.ts';
import type { Api } from '../../functions/src/handlers/api/endpoint.ts';
import { serveNode } from '../../functions/src/handlers/api/serve-node.ts';
import type { ApiService } from '../../functions/src/handlers/api/service.ts';
import type { TokenStore } from '../../functions/src/ports/token-store.ts';
import { instanceOn, NAMESPACE } from './workload.ts';

export interface ServedBench {
  /** @throws {Error} where the answer's status is another one, which is 200 by default */
  post(path: string, body: object, status?: number): Promise<void>;
  close(): Promise<void>;
}

const AUDIENCE = 'https://api.example.com';
const PRINCIPAL = 'agent@bench.example';

/** The service over HTTP, its callers verified by signed ID tokens as they are in the cloud. */
export async function serveBench(store: TokenStore, add: (api: Api) => void): Promise<ServedBench> {
  const { token, identify } = signedCaller();
  const { runtime } = instanceOn(store);
  const service: ApiService = {
    runtime,
    tasksOf: NAMESPACE,
    audit: embeddedAuditLog(':memory:'),
    state: embeddedState(':memory:', systemClock),
    events: embeddedEvents(':memory:', systemClock),
    time: embeddedLogicalTime(':memory:'),
    handles: claimHandles(['bench']),
    identify,
    grants: [{ principal: PRINCIPAL, namespace: NAMESPACE, roles: ['agent'] }],
    ratePerSecond: 1_000_000,
  };
  const handle = serveNode(createApi(service, add));
  const server = createServer((request, response) => void handle(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
  return {
    async post(path, body, status = 200) {
      const response = await fetch(`${url}${path}`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      });
      const text = await response.text();
      if (response.status !== status) throw new Error(`${path} was answered ${text}`);
    },
    async close() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}

function signedCaller(): { token: string; identify: ApiService['identify'] } {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const encoded = (json: unknown) => Buffer.from(JSON.stringify(json)).toString('base64url');
  const now = Math.floor(Date.now() / 1_000);
  const signed = [
    encoded({ alg: 'RS256', kid: 'bench', typ: 'JWT' }),
    encoded({
      iss: 'https://accounts.google.com',
      aud: AUDIENCE,
      iat: now,
      exp: now + 3_600,
      email: PRINCIPAL,
      email_verified: true,
    }),
  ].join('.');
  const signature = sign('sha256', Buffer.from(signed), privateKey).toString('base64url');
  const identify = idTokenCaller({ audience: AUDIENCE }, async () => ({ bench: publicKey }));
  return { token: `${signed}.${signature}`, identify };
}
