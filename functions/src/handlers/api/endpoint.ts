import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { z } from 'zod';
import { StoreAway } from '../../operation/errors.ts';
import { credentialsOf } from '../../ports/verify-caller.ts';
import type { Answer } from './answer.ts';
import { authorize } from './authorize.ts';
import type { Permission } from './authorize.ts';
import { readIdempotencyKey } from './idempotency-key.ts';
import { describeEndpoint } from './openapi.ts';
import { problem, problemSchema } from './problem.ts';
import type { RateLimit } from './rate-limit.ts';
import { bodyOf, readBody } from './read-body.ts';
import type { Timing } from './report.ts';
import type { ApiService, Caller } from './service.ts';

/** The app that endpoints are added to, and what they share. */
export interface Api {
  readonly app: OpenAPIHono;
  readonly service: ApiService;
  readonly rate: RateLimit;
}

/** `Idempotency-Replayed`, `Idempotency-Expires`. */
export type ToldHeader = 'replayed' | 'expires';

export interface Endpoint<Body, Params, Query> {
  readonly method: 'get' | 'post';
  /** With `{name}` for parameters. */
  readonly path: string;
  readonly operationId: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly permission: Permission;
  /** Takes the header `Idempotency-Key`. */
  readonly keyed?: true;
  /** What its answers tell in headers, where there is something to tell. */
  readonly tells?: readonly ToldHeader[];
  readonly body?: z.ZodType<Body>;
  readonly params?: z.ZodType<Params>;
  readonly query?: z.ZodType<Query>;
  /** By status. Problems that any endpoint may answer need not be named. */
  readonly answers: Readonly<Record<number, z.ZodType>>;
  /** Statuses of the problems that this one answers besides. */
  readonly problems?: readonly number[];
  handle(call: Call<Body, Params, Query>, service: ApiService): Promise<Answer>;
}

export interface Call<Body, Params, Query> extends Timing {
  readonly caller: Caller;
  readonly body: Body;
  readonly params: Params;
  readonly query: Query;
  readonly key: string | undefined;
}

/** Adds an endpoint, described and served from the same schemas. */
export function addEndpoint<Body = undefined, Params = undefined, Query = undefined>(
  api: Api,
  endpoint: Endpoint<Body, Params, Query>,
): void {
  const { app, service } = api;
  app.openAPIRegistry.registerPath(describeEndpoint(endpoint));
  const path = endpoint.path.replaceAll(/\{(\w+)\}/g, ':$1');
  app.on([endpoint.method.toUpperCase()], [path], async (context) => {
    const answer = await answerTo(api, endpoint, context).catch((error: unknown) =>
      answerToError(service, endpoint.operationId, error),
    );
    return send(checked(service, endpoint, answer));
  });
}

async function answerTo<Body, Params, Query>(
  { service, rate }: Api,
  endpoint: Endpoint<Body, Params, Query>,
  { req }: Context,
): Promise<Answer> {
  const began = service.runtime.clock.monotonic();
  const authorized = await authorize(service, endpoint.permission, {
    authorization: credentialsOf((name) => req.header(name)),
    namespace: req.header('agent-once-namespace'),
  });
  if (authorized.kind === 'refused') return authorized.answer;
  const { caller } = authorized;
  const waitMs = rate(caller.principal);
  if (waitMs > 0) {
    const detail = `${caller.principal} sends more than ${service.ratePerSecond} requests a second.`;
    return problem('rate_limited', detail, { retryAfterMs: waitMs });
  }
  const faults: string[] = [];
  const params = read('path', endpoint.params, req.param(), faults);
  const query = read('query', endpoint.query, req.query(), faults);
  const key = endpoint.keyed
    ? readIdempotencyKey(req.header('idempotency-key'))
    : ({ kind: 'key', key: undefined } as const);
  if (key.kind === 'invalid') faults.push(key.fault);
  let body = undefined as Body;
  if (endpoint.body) {
    const json = readBody(await bodyOf(req.raw), req.header('content-type'));
    if (json.kind === 'refused') return json.answer;
    body = read('body', endpoint.body, json.value, faults);
  }
  if (faults.length > 0 || key.kind === 'invalid') {
    return problem('invalid', `${endpoint.operationId} can't be carried out.`, { faults });
  }
  const trace = readTrace(req.header('traceparent'));
  const call = { caller, body, params, query, key: key.key, began, trace };
  return endpoint.handle(call, service);
}

/** A W3C trace context, where it is one (https://www.w3.org/TR/trace-context/#traceparent-header). */
function readTrace(header: string | undefined): string | undefined {
  return header !== undefined && /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/.test(header)
    ? header
    : undefined;
}

function read<T>(
  where: string,
  schema: z.ZodType<T> | undefined,
  value: unknown,
  faults: string[],
): T {
  if (!schema) return undefined as T;
  const parsed = schema.safeParse(value);
  for (const issue of parsed.error?.issues ?? []) {
    faults.push(`${[where, ...issue.path.map(String)].join('.')}: ${issue.message}`);
  }
  return parsed.data as T;
}

/** An error as an answer that tells nothing of it; the log has it all. */
export function answerToError(
  { runtime }: Pick<ApiService, 'runtime'>,
  name: string,
  error: unknown,
): Answer {
  if (error instanceof StoreAway) {
    runtime.telemetry.event('ERROR', 'The store was away', {
      endpoint: name,
      error: error.message,
    });
    return problem('store_away', error.message);
  }
  const shown = error instanceof Error ? (error.stack ?? error.message) : String(error);
  runtime.telemetry.event('ERROR', 'A request was not handled', { endpoint: name, error: shown });
  return problem('internal', `${name} failed.`);
}

/** An answer that is not as described is none: better nothing than what a caller may misread. */
function checked<Body, Params, Query>(
  { runtime }: ApiService,
  { answers, operationId }: Endpoint<Body, Params, Query>,
  answer: Answer,
): Answer {
  const parsed = (answers[answer.status] ?? problemSchema).safeParse(answer.body);
  if (parsed.success) return answer;
  runtime.telemetry.event('ERROR', 'An answer was not as described', {
    endpoint: operationId,
    status: answer.status,
    faults: parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`),
  });
  return problem('internal', `${operationId} has no answer that is as described.`);
}

export function send({ status, body, headers = {} }: Answer): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...headers },
  });
}
