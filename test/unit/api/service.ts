import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { developmentCaller } from '../../../functions/src/adapters/auth/api-caller.ts';
import { embeddedAuditLog } from '../../../functions/src/adapters/embedded/audit-log.ts';
import { embeddedEvents } from '../../../functions/src/adapters/embedded/events.ts';
import { embeddedLogicalTime } from '../../../functions/src/adapters/embedded/logical-time.ts';
import { embeddedState } from '../../../functions/src/adapters/embedded/state.ts';
import { embeddedStore } from '../../../functions/src/adapters/embedded/store.ts';
import { systemClock } from '../../../functions/src/adapters/system/clock.ts';
import type { Runtime } from '../../../functions/src/engine/runtime.ts';
import { createApi } from '../../../functions/src/handlers/api/app.ts';
import type { ApiApp } from '../../../functions/src/handlers/api/app.ts';
import { claimHandles } from '../../../functions/src/handlers/api/claim-handle.ts';
import { serveNode } from '../../../functions/src/handlers/api/serve-node.ts';
import type { ApiService, Grant } from '../../../functions/src/handlers/api/service.ts';
import type { AuditLog } from '../../../functions/src/ports/audit-log.ts';
import type { TokenStore } from '../../../functions/src/ports/token-store.ts';
import type { Namespace } from '../../../functions/src/token/token.ts';
import { engineRuntime } from '../../support/engine-runtime.ts';
import type { TestRuntime } from '../../support/engine-runtime.ts';

export const DEVELOPMENT_TOKEN = 'development-token';

const grant = (
  principal: string,
  namespace: string,
  ...roles: Grant['roles'][number][]
): Grant => ({
  principal,
  namespace: namespace as Namespace,
  roles,
});

export const GRANTS: readonly Grant[] = [
  grant('agent@shop', 'shop', 'agent'),
  grant('reader@shop', 'shop', 'reader'),
  grant('operator@shop', 'shop', 'operator'),
  grant('agent@bank', 'bank', 'agent', 'operator'),
  grant('agent@both', 'shop', 'agent'),
  grant('agent@both', 'bank', 'reader'),
];

export const HANDLE_KEY = 'a key that every instance of these tests has in common';

export interface Asked {
  readonly as?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is; else `json` is. */
  readonly text?: string;
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- what the tests look at is what they prove
  readonly body: any;
}

export interface ServedApi {
  readonly url: string;
  readonly app: ApiApp;
  readonly runtime: TestRuntime;
  post(path: string, json?: unknown, asked?: Asked): Promise<Answered>;
  get(path: string, asked?: Asked): Promise<Answered>;
  close(): Promise<void>;
}

export interface ApiSetup {
  readonly store?: TokenStore;
  readonly audit?: AuditLog;
  readonly runtime?: Partial<Runtime>;
  readonly service?: Partial<ApiService>;
}

/** The service over real HTTP on a free loopback port; on an empty embedded store unless told otherwise. */
export async function serveApi(setup: ApiSetup = {}): Promise<ServedApi> {
  const store = setup.store ?? embeddedStore(':memory:', systemClock);
  const audit = setup.audit ?? embeddedAuditLog(':memory:');
  const runtime = engineRuntime(store, setup.runtime);
  const identify = developmentCaller(DEVELOPMENT_TOKEN, 'agent@shop');
  const {
    state = embeddedState(':memory:', systemClock),
    events = embeddedEvents(':memory:', systemClock),
    time = embeddedLogicalTime(':memory:'),
  } = setup.service ?? {};
  const app = createApi({
    runtime,
    tasksOf: 'shop' as Namespace,
    audit,
    state,
    events,
    time,
    handles: claimHandles([HANDLE_KEY]),
    identify,
    grants: GRANTS,
    ratePerSecond: 100_000,
    ...setup.service,
  });
  const serve = serveNode(app);
  const server: Server = createServer((request, response) => void serve(request, response));
  // Longer than a busy machine may stop between two requests on one connection.
  server.keepAliveTimeout = 120_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function ask(method: string, path: string, body: string | undefined, asked: Asked) {
    const { as, headers } = asked;
    const bearer = as === undefined ? DEVELOPMENT_TOKEN : `${DEVELOPMENT_TOKEN}:${as}`;
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${bearer}`,
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body }),
    });
    const { status } = response;
    return { status, headers: response.headers, body: await response.json() };
  }

  return {
    url,
    app,
    runtime,
    post: (path, json, asked = {}) =>
      ask(
        'POST',
        path,
        asked.text ?? (json === undefined ? undefined : JSON.stringify(json)),
        asked,
      ),
    get: (path, asked = {}) => ask('GET', path, undefined, asked),
    async close() {
      server.closeAllConnections();
      await once(server.close(), 'close');
      await Promise.all([audit.close(), state.close(), events.close(), time.close()]);
      await store.close();
    },
  };
}
