import { z } from '@hono/zod-openapi';
import type { OpenAPIHono, RouteConfig } from '@hono/zod-openapi';
import type { Endpoint, ToldHeader } from './endpoint.ts';
import { problemSchema } from './problem.ts';

/** What any endpoint may answer. */
const COMMON_PROBLEMS = [400, 401, 403, 429, 500, 503];
const BODY_PROBLEMS = [413, 415];

const TITLES: Readonly<Record<number, string>> = {
  200: 'As described.',
  201: 'As described, and new.',
  400: 'The request is not valid; `faults` names everything that is wrong.',
  401: 'There is no valid ID token.',
  403: 'The caller lacks the role or the namespace.',
  404: 'There is no such thing in the namespace.',
  409: 'In flight, in doubt, cancelled, lost, refused or otherwise at odds: `code` says which.',
  410: 'The request is older than records are kept.',
  413: 'The body is too large.',
  415: 'The body is not JSON.',
  422: 'The key or token belongs to another request.',
  429: 'Too many requests: wait for `Retry-After`.',
  500: 'The service failed. Nothing may be run on the strength of this answer.',
  503: 'The store or a check of the caller is away: wait for `Retry-After`.',
};

/** An endpoint as the document has it. */
export function describeEndpoint<Body, Params, Query>(
  endpoint: Endpoint<Body, Params, Query>,
): RouteConfig {
  const { method, path, operationId, tag, summary, description, permission } = endpoint;
  const problems = [
    ...COMMON_PROBLEMS,
    ...(endpoint.body ? BODY_PROBLEMS : []),
    ...(endpoint.problems ?? []),
  ].toSorted((a, b) => a - b);
  const answers = Object.entries(endpoint.answers);
  return {
    method,
    path,
    operationId,
    tags: [tag],
    summary,
    description: [description, `Needs the permission \`${permission}\`.`].filter(Boolean).join(' '),
    security: [{ idToken: [] }],
    request: {
      headers: z.object(headersOf(endpoint)),
      ...(endpoint.params && { params: endpoint.params as never }),
      ...(endpoint.query && { query: endpoint.query as never }),
      ...(endpoint.body && {
        body: { required: false, content: { 'application/json': { schema: endpoint.body } } },
      }),
    },
    responses: {
      ...Object.fromEntries(
        answers.map(([status, schema]) => [
          status,
          {
            description: TITLES[Number(status)] ?? 'As described.',
            headers: answerHeaders(endpoint.tells ?? [], Number(status)),
            content: { 'application/json': { schema } },
          },
        ]),
      ),
      ...Object.fromEntries(
        problems.map((status) => [
          status,
          {
            description: TITLES[status] ?? 'A problem.',
            headers: problemHeaders(status),
            content: { 'application/problem+json': { schema: problemSchema } },
          },
        ]),
      ),
    },
  };
}

function headersOf({ keyed }: { readonly keyed?: true }): Record<string, z.ZodType> {
  return {
    ...(keyed && {
      'Idempotency-Key': z
        .string()
        .max(512)
        .optional()
        .describe('The caller’s own key for this operation, in quotes or bare.'),
    }),
    'Agent-Once-Namespace': z
      .string()
      .optional()
      .describe('Which of the caller’s namespaces. Needed only by callers that have several.'),
  };
}

const text = (description: string) => ({ description, schema: { type: 'string' } as const });

const REPLAYED = text('`true` where this is on record from before, and was not made by this call.');
const EXPIRES = text(
  'Until when it is kept hot, as an HTTP date. Asking for it may lengthen that.',
);
const RETRY_AFTER = text('Whole seconds to wait, where that is known.');

function answerHeaders(tells: readonly ToldHeader[], status: number) {
  if (status !== 200) return {};
  return {
    ...(tells.includes('replayed') && { 'Idempotency-Replayed': REPLAYED }),
    ...(tells.includes('expires') && { 'Idempotency-Expires': EXPIRES }),
  };
}

function problemHeaders(status: number) {
  return {
    ...([409, 429, 503].includes(status) && { 'Retry-After': RETRY_AFTER }),
    ...(status === 401 && { 'WWW-Authenticate': text('`Bearer`.') }),
  };
}

/** The whole document, OpenAPI 3.1. */
export function openApiDocument(app: OpenAPIHono): unknown {
  app.openAPIRegistry.registerComponent('securitySchemes', 'idToken', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'An ID token signed by Google, for the audience of this service.',
  });
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'agent-once',
      version: '1',
      description:
        'The idempotency service: check, record and look up operations, or claim them safely. ' +
        'Only an answer 201 of `begin` lets an effect run.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    tags: [
      { name: 'claims', description: 'The safe protocol: claim, run, conclude.' },
      { name: 'operations', description: 'What is on record.' },
      { name: 'state', description: 'Versioned values, written only over what the writer saw.' },
      { name: 'events', description: 'What happened, in the order of logical time.' },
      { name: 'interventions', description: 'What people do about it.' },
    ],
  });
}
