import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { answerAdmin } from './admin-api.ts';
import type { Balance } from './balance.ts';
import { calls, statusRoutes } from './calls.ts';
import { trackingIdSchema } from './contract.ts';
import type { Agent } from './contract.ts';
import { answerCall } from './effect-call.ts';
import type { Emit, Exchange } from './events.ts';
import { createFaultPlan } from './fault-plan.ts';
import type { Delivery } from './fault-plan.ts';
import { failure, invalid, send } from './http.ts';
import type { Reply } from './http.ts';
import type { Ledger } from './ledger.ts';

interface World {
  ledger: Ledger;
  balance: () => Balance;
  now: () => Date;
  emit: Emit;
}

/** The provider's HTTP side: three agents' outside world, status by tracking id, and its admin. */
export function createProvider(world: World): RequestListener {
  const faults = createFaultPlan(world.emit);
  let requests = 0;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = URL.parse(request.url ?? '/', 'http://sandbox.invalid');
    const { method = 'GET' } = request;
    if (!url) return send(response, failure(400, 'invalid', 'the path is not a URL path'));
    const path = url.pathname;
    if (path.startsWith('/admin/')) {
      return send(response, await answerAdmin({ ...world, faults }, request, url));
    }
    const exchange: Exchange = { request: ++requests, method, path, orderId: null };
    const call = calls.get(path);
    if (call && method === 'POST') {
      const parts = { ...world, faults, exchange, call };
      return deliver(world.emit, exchange, response, await answerCall(parts, request));
    }
    const query = trackingQuery(path);
    if (query && method === 'GET') {
      const { trackingId } = query;
      world.emit(exchange, { event: 'received', idempotencyKey: null, trackingId });
      const delivery = await faults.run(exchange, () => status(world, query));
      return deliver(world.emit, exchange, response, delivery);
    }
    send(
      response,
      notServed(path, call !== undefined || query !== undefined, call ? 'POST' : 'GET'),
    );
  }

  return (request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (request.destroyed && !request.complete) return;
      console.error(error);
      if (response.headersSent) response.destroy();
      else send(response, failure(500, 'internal', 'the sandbox itself failed; see its log'));
    });
  };
}

interface TrackingQuery {
  agent: Agent;
  trackingId: string | null;
}

function trackingQuery(path: string): TrackingQuery | undefined {
  const [, route = '', id = ''] = /^(.+)\/([^/]+)$/.exec(path) ?? [];
  const agent = statusRoutes.get(route);
  if (agent === undefined) return undefined;
  return { agent, trackingId: decoded(id) };
}

function decoded(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}

function status({ ledger }: Pick<World, 'ledger'>, { agent, trackingId }: TrackingQuery): Reply {
  const { data, error } = trackingIdSchema.safeParse(trackingId);
  if (error) return invalid([{ path: 'trackingId', message: 'is not a usable id' }]);
  const effect = ledger.findByTrackingId(agent, data);
  return { status: 200, body: effect ? { state: 'committed', effect } : { state: 'absent' } };
}

function notServed(path: string, known: boolean, allow: string): Reply {
  if (!known) return failure(404, 'not_found', `there is nothing at ${path}`);
  return { ...failure(405, 'wrong_method', `${path} takes ${allow}`), headers: { Allow: allow } };
}

/** Sends what the exchange came to and reports it; a caller that hung up has lost its answer. */
function deliver(
  emit: Emit,
  exchange: Exchange,
  response: ServerResponse,
  delivery: Delivery,
): void {
  if (delivery === 'request-lost' || delivery === 'answer-lost') {
    response.destroy();
    if (delivery === 'request-lost') emit(exchange, { event: 'request-lost' });
    else emit(exchange, { event: 'answer-lost', by: 'fault' });
    return;
  }
  if (response.destroyed) return emit(exchange, { event: 'answer-lost', by: 'caller' });
  response.once('close', () =>
    response.writableFinished
      ? emit(exchange, { event: 'answered', status: delivery.status })
      : emit(exchange, { event: 'answer-lost', by: 'caller' }),
  );
  send(response, delivery);
}
