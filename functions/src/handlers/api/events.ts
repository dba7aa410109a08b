import { z } from '@hono/zod-openapi';
import { within } from '../../engine/within.ts';
import { encodeCanonical } from '../../token/canonical.ts';
import { parseToken } from '../../token/token.ts';
import type { Namespace, Token } from '../../token/token.ts';
import { APPEND_MAX_EVENTS, EVENT_MAX_BYTES } from '../../workflow/event.ts';
import type { EventPosition, LoggedEvent, StoredEvent } from '../../workflow/event.ts';
import { addEndpoint } from './endpoint.ts';
import type { Api } from './endpoint.ts';
import { logicalTimeField, pageLimit, tokenField, valueField } from './fields.ts';
import { problem } from './problem.ts';
import { decoded, writeToken } from './read-operation.ts';
import { UNKNOWN_PAGE } from './result.ts';
import { schemaVersionField, writeIdentity } from './state-fields.ts';

const eventFields = z
  .strictObject({
    ...writeIdentity,
    type: z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9._-]{0,127}$/, 'must be a word of at most 128 characters')
      .openapi({ example: 'OrderPlaced' }),
    data: valueField.optional().describe('Needed; null is a value.'),
    logicalTime: logicalTimeField.describe('Where it belongs in the log: see `Tick`.'),
    schemaVersion: schemaVersionField,
  })
  .openapi('NewEvent');

type EventFields = z.output<typeof eventFields>;

const appendedSchema = z
  .object({
    events: z.array(
      z.object({
        token: z.string(),
        fresh: z.boolean().describe('False: its token is in the log already, and folds away.'),
      }),
    ),
  })
  .openapi('Appended');

const eventSchema = z
  .object({
    type: z.string(),
    data: valueField,
    token: z.string(),
    logicalTime: z.int(),
    schemaVersion: z.int(),
    at: z.number().describe('Store time of its append. Says nothing of the order.'),
  })
  .openapi('Event');

const root = z.object({ root: tokenField });

/** What happened below a root, append-only, each event once. */
export function addEvents(api: Api): void {
  addEndpoint(api, {
    method: 'post',
    path: '/v1/events/{root}',
    operationId: 'AppendEvents',
    tells: ['replayed'],
    tag: 'events',
    summary: 'Appends events to a root’s log, all of them or none.',
    description: '201: one at least is new. 200: all of them were there before.',
    permission: 'run',
    params: root,
    body: z
      .strictObject({ events: z.array(eventFields).min(1).max(APPEND_MAX_EVENTS) })
      .openapi('AppendEventsRequest'),
    answers: { 200: appendedSchema, 201: appendedSchema },
    async handle({ caller: { namespace }, params, body }, { runtime, events }) {
      const faults: string[] = [];
      const logged = body.events.flatMap(
        (fields, index) => loggedEvent(namespace, fields, index, faults) ?? [],
      );
      if (faults.length > 0) return problem('invalid', 'Nothing is appended.', { faults });
      if (logged.some(({ text }) => Buffer.byteLength(text) > EVENT_MAX_BYTES)) {
        return problem('too_large', `An event’s data takes at most ${EVENT_MAX_BYTES} bytes.`);
      }
      const asked = events.append(namespace, params.root, logged);
      const answer = await within(runtime.clock, runtime.limits.recordAnswerMs, asked);
      const fresh = new Set<Token>(answer.fresh);
      const told = logged.map(({ token }) => ({ token, fresh: fresh.delete(token) }));
      const isNew = answer.fresh.length > 0;
      const headers = isNew ? {} : { 'Idempotency-Replayed': 'true' };
      return { status: isNew ? 201 : 200, body: { events: told }, headers };
    },
  });

  addEndpoint(api, {
    method: 'get',
    path: '/v1/events/{root}',
    operationId: 'ReadEvents',
    tag: 'events',
    summary: 'A root’s events, by logical time, then by token.',
    permission: 'read',
    params: root,
    query: z.strictObject({
      limit: pageLimit.field,
      after: z.string().max(64).optional().describe('The `next` of the page before.'),
    }),
    answers: {
      200: z
        .object({ events: z.array(eventSchema), next: z.string().optional() })
        .openapi('EventPage'),
    },
    async handle({ caller: { namespace }, params, query }, { runtime, events }) {
      const after = query.after === undefined ? undefined : positionOf(query.after);
      if (query.after !== undefined && !after) return UNKNOWN_PAGE;
      const page = { limit: query.limit ?? pageLimit.default, ...(after && { after }) };
      const read = events.read(namespace, params.root, page);
      const found = await within(runtime.clock, runtime.limits.recordAnswerMs, read);
      const { next } = found;
      const body = {
        events: found.events.map(eventView),
        ...(next && { next: `${next.logicalTime}.${next.token}` }),
      };
      return { status: 200, body };
    },
  });
}

function loggedEvent(
  namespace: Namespace,
  { data, type, logicalTime, schemaVersion = 1, ...identity }: EventFields,
  index: number,
  faults: string[],
): LoggedEvent | undefined {
  const where = `body.events.${index}`;
  const token = writeToken(namespace, identity, undefined, faults, where);
  if (data === undefined) faults.push(`${where}.data: is needed`);
  const value = decoded(`${where}.data`, data, faults);
  if (!token || faults.length > 0) return undefined;
  return { type, token, logicalTime, schemaVersion, text: encodeCanonical(value) };
}

function eventView({ type, text, token, logicalTime, schemaVersion, at }: StoredEvent): unknown {
  return { type, data: JSON.parse(text) as unknown, token, logicalTime, schemaVersion, at };
}

function positionOf(after: string): EventPosition | undefined {
  const [, time, word = ''] = /^(\d{1,16})\.(.+)$/.exec(after) ?? [];
  const token = parseToken(word);
  const logicalTime = Number(time);
  return token && Number.isSafeInteger(logicalTime) ? { logicalTime, token } : undefined;
}
