import type { IncomingMessage, ServerResponse } from 'node:http';
import { DEVELOPER } from './config.ts';
import type { ApiConfig, Config } from './config.ts';
import type { Runtime } from './engine/runtime.ts';
import { createApi } from './handlers/api/app.ts';
import { serveNode } from './handlers/api/serve-node.ts';
import type { ApiService } from './handlers/api/service.ts';
import type { AuditLog } from './ports/audit-log.ts';

/** The function `api`: the idempotency service, for agents in any language. */
export async function composeApi(
  config: Pick<Config, 'backend'>,
  api: ApiConfig,
  runtime: Runtime,
): Promise<(request: IncomingMessage, response: ServerResponse) => Promise<void>> {
  const [audit, identify] = await Promise.all([auditLogOf(config), identifierOf(api)]);
  const { grants, ratePerSecond } = api;
  return serveNode(createApi({ runtime, audit, identify, grants, ratePerSecond }));
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

async function auditLogOf({ backend }: Pick<Config, 'backend'>): Promise<AuditLog> {
  if (backend.kind === 'embedded') {
    const { embeddedAuditLog } = await import('./adapters/embedded/audit-log.ts');
    return embeddedAuditLog(backend.file);
  }
  const [{ Firestore }, { firestoreAuditLog }] = await Promise.all([
    import('@google-cloud/firestore'),
    import('./adapters/firestore/audit-log.ts'),
  ]);
  const { project: projectId, database: databaseId } = backend;
  return firestoreAuditLog(new Firestore({ projectId, databaseId }));
}
