import { OpenAPIHono } from '@hono/zod-openapi';
import { storageAwayAsStore } from '../../engine/payload-storage.ts';
import { addBegin } from './begin.ts';
import { addCheck } from './check.ts';
import { send } from './endpoint.ts';
import type { Api } from './endpoint.ts';
import { addEvents } from './events.ts';
import { addHeld } from './held.ts';
import { addInterventions } from './interventions.ts';
import { addListing } from './list-operations.ts';
import { openApiDocument } from './openapi.ts';
import { problem } from './problem.ts';
import { rateLimit } from './rate-limit.ts';
import { addRecord } from './record.ts';
import { addResult } from './result.ts';
import type { ApiService } from './service.ts';
import { addState } from './state.ts';
import { addTime } from './time.ts';

export interface ApiApp {
  /** Answers every request; never rejects. */
  fetch(request: Request): Promise<Response>;
  /** OpenAPI 3.1, as served at `/v1/openapi.json`. */
  document(): unknown;
}

/**
 * The idempotency service, as a function from requests to responses. `add` puts more endpoints beside its
 * own.
 */
export function createApi(given: ApiService, add?: (api: Api) => void): ApiApp {
  const app = new OpenAPIHono();
  const service = { ...given, runtime: storageAwayAsStore(given.runtime) };
  const rate = rateLimit(service.runtime.clock, service.ratePerSecond);
  const api: Api = { app, service, rate };
  addCheck(api);
  addRecord(api);
  addResult(api);
  addListing(api);
  addBegin(api);
  addHeld(api);
  addState(api);
  addEvents(api);
  addTime(api);
  addInterventions(api);
  add?.(api);
  let described: unknown;
  // When it is first asked for: describing everything takes longer than starting.
  const document = () => (described ??= openApiDocument(app));
  app.get('/v1/openapi.json', () => send({ status: 200, body: document() }));
  app.notFound((context) =>
    send(problem('no_such_route', `There is no ${context.req.method} ${context.req.path}.`)),
  );
  app.onError((error) => {
    service.runtime.telemetry.event('ERROR', 'A request was not handled', { error: String(error) });
    return send(problem('internal', 'The request failed.'));
  });
  return { document, fetch: async (request) => app.fetch(request) };
}
