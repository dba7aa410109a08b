import { z } from '@hono/zod-openapi';
import { keepLonger } from '../../engine/keep-longer.ts';
import { within } from '../../engine/within.ts';
import { isTerminal } from '../../operation/record.ts';
import { keyToken } from '../../token/token.ts';
import type { Token } from '../../token/token.ts';
import type { Answer } from './answer.ts';
import { addEndpoint } from './endpoint.ts';
import type { Api } from './endpoint.ts';
import { pageQuery, tokenField } from './fields.ts';
import { operationSchema } from './operation-fields.ts';
import { settledHeaders, viewOf } from './operation-view.ts';
import { problem } from './problem.ts';
import type { ApiService, Caller } from './service.ts';

/** What is on record, by token, by key, and by workflow. */
export function addResult(api: Api): void {
  addEndpoint(api, {
    method: 'get',
    path: '/v1/operations/{token}',
    operationId: 'GetResult',
    tells: ['replayed', 'expires'],
    tag: 'operations',
    summary: 'An operation and its result.',
    permission: 'read',
    params: z.object({ token: tokenField }),
    answers: { 200: operationSchema },
    problems: [404],
    handle: ({ caller, params }, service) => look(service, caller, params.token),
  });

  addEndpoint(api, {
    method: 'get',
    path: '/v1/result',
    operationId: 'GetResultByKey',
    tells: ['replayed', 'expires'],
    tag: 'operations',
    summary: 'As `GetResult`, by the key in the header `Idempotency-Key`.',
    permission: 'read',
    keyed: true,
    answers: { 200: operationSchema },
    problems: [404],
    async handle({ caller, key }, service) {
      if (key !== undefined) return look(service, caller, keyToken(caller.namespace, key));
      const faults = ['Idempotency-Key: is needed'];
      return problem('invalid', 'Which operation is not said.', { faults });
    },
  });

  addEndpoint(api, {
    method: 'get',
    path: '/v1/ledger/{root}',
    operationId: 'GetLedger',
    tag: 'operations',
    summary: 'All operations of a workflow, in logical-time order, without their results.',
    permission: 'read',
    params: z.object({ root: tokenField }),
    query: pageQuery,
    answers: {
      200: z
        .object({ operations: z.array(operationSchema), next: z.string().optional() })
        .openapi('Ledger'),
    },
    async handle({ caller, params: { root }, query: { limit, after } }, { runtime }) {
      const position = readCursor(after);
      if (position === 'invalid') return UNKNOWN_PAGE;
      const page = { limit, ...(position !== undefined && { after: position }) };
      const { store, clock, limits } = runtime;
      const listed = store.ledger(caller.namespace, root, page);
      const { operations, next } = await within(clock, limits.recordAnswerMs, listed);
      const views = operations.map((found) => viewOf(runtime, found, { withResult: false }));
      return { status: 200, body: { operations: await Promise.all(views), ...cursorOf(next) } };
    },
  });
}

async function look({ runtime }: ApiService, { namespace }: Caller, token: Token): Promise<Answer> {
  const { store, clock, limits } = runtime;
  const found = await within(clock, limits.claimAnswerMs, store.get(namespace, token));
  if (!found) return absent(token);
  const { record } = found;
  const terminal = isTerminal(record);
  if (terminal) await keepLonger(runtime, { ...found, record });
  const operation = await viewOf(runtime, found, { withResult: true });
  return { status: 200, body: operation, headers: settledHeaders(operation, terminal) };
}

export function absent(token: string): Answer {
  return problem('absent', `${token} is not on record in this namespace.`, { token });
}

/** A page's position goes round as one word, and comes back from anybody: a number and an id. */
export function readCursor(after: string | undefined): string | undefined {
  if (after === undefined) return undefined;
  const text = Buffer.from(after, 'base64url').toString();
  return /^\[\d{1,16}(?:\.\d{1,16})?,"[\w-]{43,45}"\]$/.test(text) ? text : 'invalid';
}

export function cursorOf(next: string | undefined): { readonly next?: string } {
  return next === undefined ? {} : { next: Buffer.from(next).toString('base64url') };
}

export const UNKNOWN_PAGE: Answer = problem('invalid', 'The page is unknown.', {
  faults: ['query.after: is no `next` of an answer before'],
});
