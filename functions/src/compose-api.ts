import type { IncomingMessage, ServerResponse } from 'node:http';
import { DEVELOPER } from './config/api.ts';
import type { ApiConfig } from './config/api.ts';
import type { Config } from './config.ts';
import type { Runtime } from './engine/runtime.ts';
import { publishingState } from './engine/publish-state.ts';
import { createApi } from './handlers/api/app.ts';
import { claimHandles } from './handlers/api/claim-handle.ts';
import { serveNode } from './handlers/api/serve-node.ts';
import type { ApiService } from './handlers/api/service.ts';

/** The function `api`: the idempotency service, for agents in any language. */
export async function composeApi(
  config: Pick<Config, 'backend' | 'namespace'>,
  api: ApiConfig,
  runtime: Runtime,
): Promise<(request: IncomingMessage, response: ServerResponse) => Promise<void>> {
  const [stores, identify] = await Promise.all([storesOf(config, runtime), identifierOf(api)]);
  const { grants, ratePerSecond } = api;
  const handles = claimHandles(api.handleKeys);
  const service = { runtime, tasksOf: config.namespace, ...stores, handles, identify };
  return serveNode(createApi({ ...service, grants, ratePerSecond }));
}

async function identifierOf({ caller }: ApiConfig): Promise<ApiService['identify']> {
  const { developmentCaller, idTokenCaller } = await import('./adapters/auth/api-caller.ts');
  switch (caller.verify) {
    case 'oidc':
      return idTokenCaller(caller);
    case 'development':
      return developmentCaller(caller.token, DEVELOPER);
  }
}

type Stores = Pick<ApiService, 'audit' | 'state' | 'events' | 'time'>;

/** What the service keeps beside operations. */
async function storesOf({ backend }: Pick<Config, 'backend'>, runtime: Runtime): Promise<Stores> {
  const { clock, random, publishedState } = runtime;
  if (backend.kind === 'embedded') {
    const [{ embeddedAuditLog }, { embeddedState }, { embeddedEvents }, { embeddedLogicalTime }] =
      await Promise.all([
        import('./adapters/embedded/audit-log.ts'),
        import('./adapters/embedded/state.ts'),
        import('./adapters/embedded/events.ts'),
        import('./adapters/embedded/logical-time.ts'),
      ]);
    const { file } = backend;
    return {
      audit: embeddedAuditLog(file),
      state: embeddedState(file, clock),
      events: embeddedEvents(file, clock),
      time: embeddedLogicalTime(file),
    };
  }
  const [
    { Firestore },
    { firestoreAuditLog },
    { firestoreState },
    { firestoreEvents },
    { firestoreLogicalTime },
  ] = await Promise.all([
    import('@google-cloud/firestore'),
    import('./adapters/firestore/audit-log.ts'),
    import('./adapters/firestore/state.ts'),
    import('./adapters/firestore/events.ts'),
    import('./adapters/firestore/logical-time.ts'),
  ]);
  const { project: projectId, database: databaseId } = backend;
  const firestore = new Firestore({ projectId, databaseId });
  const state = firestoreState(firestore, { published: publishedState !== undefined });
  return {
    audit: firestoreAuditLog(firestore),
    state: publishedState ? publishingState(state, publishedState, runtime) : state,
    events: firestoreEvents(firestore),
    time: firestoreLogicalTime(firestore, { clock, random }),
  };
}
