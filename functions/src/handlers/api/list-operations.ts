import { z } from '@hono/zod-openapi';
import { within } from '../../engine/within.ts';
import type { Runtime } from '../../engine/runtime.ts';
import type { OperationRecord } from '../../operation/record.ts';
import { digestOf } from '../../token/hash.ts';
import type { Namespace } from '../../token/token.ts';
import { addEndpoint } from './endpoint.ts';
import type { Api } from './endpoint.ts';
import { pageQuery } from './fields.ts';
import { operationSchema } from './operation-fields.ts';
import { viewOf } from './operation-view.ts';
import type { Timing } from './report.ts';
import { UNKNOWN_PAGE } from './result.ts';

type Status = OperationRecord['status'];

const STATUSES = {
  claimed: 'claimed',
  released: 'released',
  in_doubt: 'in_doubt',
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
  archived: 'archived',
} as const satisfies { readonly [Name in Status]: Name };

/** Which operations a page is of. */
interface Listed {
  readonly namespace: Namespace;
  readonly status: Status;
}

/** What is on record, by how it stands. */
export function addListing(api: Api): void {
  addEndpoint(api, {
    method: 'get',
    path: '/v1/operations',
    operationId: 'ListOperations',
    tag: 'operations',
    summary: 'All operations of the namespace at a status, without their results.',
    description:
      'In no order that means anything, but each of them once. What is written while pages are read ' +
      'may be in a later one, or in none.',
    permission: 'list',
    query: pageQuery.extend({
      status: z
        .enum(STATUSES)
        .describe(
          'As it is recorded. `claimed` and `released` are what is not settled: each operation’s ' +
            '`state` tells whether somebody holds it now.',
        ),
    }),
    answers: {
      200: z
        .object({ operations: z.array(operationSchema), next: z.string().optional() })
        .openapi('OperationPage'),
    },
    async handle(call, { runtime }) {
      const { caller, query } = call;
      const { limit, after, status } = query;
      const listed = { namespace: caller.namespace, status };
      const position = after === undefined ? undefined : positionIn(listed, after);
      if (after !== undefined && position === undefined) return UNKNOWN_PAGE;
      const { store, clock, limits } = runtime;
      const page = { limit, ...(position !== undefined && { after: position }) };
      const asked = store.byStatus(listed.namespace, status, page);
      const { operations, next } = await within(clock, limits.recordAnswerMs, asked);
      const views = operations.map((found) => viewOf(runtime, found, { withResult: false }));
      const body = {
        operations: await Promise.all(views),
        ...(next !== undefined && { next: pageToken(listed, next) }),
      };
      tell(runtime, call, listed, operations.length);
      return { status: 200, body };
    },
  });
}

/**
 * Not a decision's line: a listing is about no operation, and one of those in doubt would raise the alert
 * that it is the answer to.
 */
function tell(
  { telemetry, clock, store }: Runtime,
  { began, trace }: Timing,
  listed: Listed,
  count: number,
): void {
  telemetry.event('INFO', 'Operations were listed', {
    listing: {
      ...listed,
      count,
      store: store.name,
      milliseconds: Math.round((clock.monotonic() - began) * 10) / 10,
      ...(trace !== undefined && { trace }),
    },
  });
}

const SEAL_LENGTH = 43;
const POSITION = /^\["[\w-]{43,45}"\]$/;

/**
 * A position goes round as one word. It names neither namespace nor status, and fits only where it was
 * given: under another one, it would pass operations over without a word.
 */
function pageToken(listed: Listed, position: string): string {
  return Buffer.from(sealOf(listed, position) + position).toString('base64url');
}

function positionIn(listed: Listed, after: string): string | undefined {
  const text = Buffer.from(after, 'base64url').toString();
  const position = text.slice(SEAL_LENGTH);
  if (!POSITION.test(position)) return undefined;
  return text === sealOf(listed, position) + position ? position : undefined;
}

function sealOf({ namespace, status }: Listed, position: string): string {
  return digestOf('p1', [namespace, status, position], ['namespace', 'status', 'position']);
}
