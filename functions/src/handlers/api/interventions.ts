import { z } from '@hono/zod-openapi';
import { intervene } from '../../engine/intervene.ts';
import type { InterventionAnswer } from '../../engine/intervene.ts';
import { packValue } from '../../engine/payload.ts';
import type { Owner } from '../../engine/payload.ts';
import { within } from '../../engine/within.ts';
import type { Override } from '../../ports/token-store.ts';
import type { Answer } from './answer.ts';
import { addEndpoint } from './endpoint.ts';
import type { Api } from './endpoint.ts';
import { milliseconds, pageQuery, text, timeField, tokenField, valueField } from './fields.ts';
import { operationSchema } from './operation-fields.ts';
import { viewOf } from './operation-view.ts';
import { problem } from './problem.ts';
import { decoded } from './read-operation.ts';
import { absent, cursorOf, readCursor, UNKNOWN_PAGE } from './result.ts';
import type { ApiService } from './service.ts';

const LONGEST_EXTENSION_MS = 10 * 365 * 86_400_000;

const signed = {
  reason: text(500).describe('Why. Kept in the audit log beside the verified caller.'),
  fence: z
    .int()
    .min(1)
    .max(Number.MAX_SAFE_INTEGER)
    .describe('The operation’s `fence` when it was looked at. Each intervention raises it.'),
};

const interventionFields = z
  .discriminatedUnion('verb', [
    z.strictObject({
      verb: z.literal('extend'),
      byMs: milliseconds(1, LONGEST_EXTENSION_MS),
      ...signed,
    }),
    z.strictObject({ verb: z.literal('hold'), ...signed }),
    z.strictObject({ verb: z.literal('unhold'), ...signed }),
    z.strictObject({ verb: z.literal('expire'), ...signed }),
    z.strictObject({
      verb: z.literal('resolve_done'),
      result: valueField.optional().describe('What the effect came to.'),
      ...signed,
    }),
    z.strictObject({ verb: z.literal('resolve_not_done'), ...signed }),
    z.strictObject({ verb: z.literal('force_release'), ...signed }),
    z.strictObject({ verb: z.literal('purge'), ...signed }),
  ])
  .openapi('Intervention');

type Fields = z.output<typeof interventionFields>;

const doneSchema = z
  .object({
    operation: operationSchema,
    published: z
      .boolean()
      .describe(
        'Its stored task was published again. An operation without one waits for its caller.',
      ),
  })
  .openapi('Intervened');

const entrySchema = z
  .object({
    verb: z.string(),
    actor: z.string(),
    reason: z.string(),
    at: timeField,
    phase: z
      .enum(['intended', 'done', 'refused'])
      .describe(
        '`intended` comes before the write; `done` or `refused` after it. An intention alone: a crash ' +
          'or a lost answer came between, and the operation’s `override` tells whether it was done.',
      ),
  })
  .openapi('AuditEntry');

/** What a person does about an operation, and what was done. */
export function addInterventions(api: Api): void {
  addEndpoint(api, {
    method: 'post',
    path: '/v1/operations/{token}/interventions',
    operationId: 'Intervene',
    tag: 'interventions',
    summary: 'Extends, holds, expires, resolves, releases or purges an operation.',
    description:
      'The caller is recorded as the actor. Sent again, it is refused as `stale`, since the fence has ' +
      'risen: the write is conditional on it. Kept in an append-only log, as intended before the write ' +
      'and as done or refused after it.',
    permission: 'intervene',
    params: z.object({ token: tokenField }),
    body: interventionFields,
    answers: { 200: doneSchema },
    problems: [404, 409],
    async handle({ caller, params: { token }, body }, service) {
      const faults: string[] = [];
      const { namespace, principal: actor } = caller;
      const override = await overrideOf(
        service,
        { namespace, token, claimId: service.runtime.newClaimId() },
        body,
        faults,
      );
      if (faults.length > 0) return problem('invalid', 'The result is no value.', { faults });
      const { reason, fence } = body;
      const asked = { namespace, token, override, actor, reason, fence };
      return answerOf(service, token, await intervene(service, asked));
    },
  });

  addEndpoint(api, {
    method: 'get',
    path: '/v1/operations/{token}/interventions',
    operationId: 'ListInterventions',
    tag: 'interventions',
    summary: 'What was done about an operation, by whom and why, the oldest first.',
    permission: 'read',
    params: z.object({ token: tokenField }),
    query: pageQuery,
    answers: {
      200: z
        .object({ entries: z.array(entrySchema), next: z.string().optional() })
        .openapi('AuditLog'),
    },
    async handle({ caller, params: { token }, query: { limit, after } }, { audit, runtime }) {
      const position = readCursor(after);
      if (position === 'invalid') return UNKNOWN_PAGE;
      const page = { limit, ...(position !== undefined && { after: position }) };
      const { clock, limits } = runtime;
      const read = audit.read(caller.namespace, token, page);
      const { entries, next } = await within(clock, limits.recordAnswerMs, read);
      const shown = entries.map(({ verb, actor, reason, at, phase }) => ({
        verb,
        actor,
        reason,
        at,
        phase,
      }));
      return { status: 200, body: { entries: shown, ...cursorOf(next) } };
    },
  });
}

async function overrideOf(
  { runtime }: ApiService,
  owner: Owner,
  fields: Fields,
  faults: string[],
): Promise<Override> {
  switch (fields.verb) {
    case 'extend':
      return { verb: 'extend', byMs: fields.byMs };
    case 'resolve_done': {
      const result = decoded('body.result', fields.result, faults);
      return { verb: 'resolve_done', result: await packValue(result, runtime.blobs, owner) };
    }
    case 'hold':
    case 'unhold':
    case 'expire':
    case 'resolve_not_done':
    case 'force_release':
    case 'purge':
      return { verb: fields.verb };
  }
}

async function answerOf(
  { runtime }: ApiService,
  token: string,
  answer: InterventionAnswer,
): Promise<Answer> {
  switch (answer.kind) {
    case 'absent':
      return absent(token);
    case 'stale': {
      const { fence } = answer.found.record;
      return problem('stale', `${token} is at fence ${fence} by now.`, { token });
    }
    case 'refused':
      return problem('refused', answer.why, { token });
    case 'done': {
      const operation = await viewOf(runtime, answer.found, { withResult: true });
      return { status: 200, body: { operation, published: answer.published } };
    }
  }
}
