import { z } from '@hono/zod-openapi';
import { checkOperations, sharedCheck } from '../../engine/check-operations.ts';
import type { Standing } from '../../engine/check-operations.ts';
import type { Answer } from './answer.ts';
import { batchAnswer, batchSchema, firstOf } from './batch.ts';
import { addEndpoint, answerToError } from './endpoint.ts';
import type { Api } from './endpoint.ts';
import { operationFields, operationSchema } from './operation-fields.ts';
import { settledHeaders, viewOf } from './operation-view.ts';
import { problem } from './problem.ts';
import { readOperation, subjectOf } from './read-operation.ts';
import { reported } from './report.ts';
import type { ApiService } from './service.ts';

const checkFields = z.strictObject(operationFields).openapi('CheckRequest');

export const standingSchema = z
  .object({
    state: z
      .enum(['absent', 'free', 'in_flight', 'completed', 'failed', 'cancelled', 'in_doubt'])
      .describe(
        '`absent` and `free`: whoever begins it now may run it. Another may do so first: only ' +
          'beginning it claims it.',
      ),
    token: z.string(),
    drift: z.boolean().describe('What is on record was decided in another context.'),
    retryAfterMs: z.int().optional(),
    operation: operationSchema.optional(),
  })
  .openapi('Standing');

const BATCH = 'CheckIdempotencyBatch';

/** How operations stand, without claiming them. */
export function addCheck(api: Api): void {
  const check = sharedCheck(api.service.runtime);
  addEndpoint(api, {
    method: 'post',
    path: '/v1/check',
    operationId: 'CheckIdempotency',
    tells: ['replayed', 'expires'],
    tag: 'operations',
    summary: 'Whether an operation was performed already, and with what result.',
    description:
      'Check and record, one after the other, are a race: use `begin` where that matters.',
    permission: 'read',
    keyed: true,
    body: checkFields,
    answers: { 200: standingSchema },
    problems: [410, 422],
    async handle(call, service) {
      const read = readOperation(call.body, call.key, call.caller, defaults(service));
      if (read.kind === 'invalid') return invalid(read.faults);
      return reported(service.runtime, call, subjectOf(read.operation), async () =>
        answerOf(service, await check(read.operation)),
      );
    },
  });

  addEndpoint(api, {
    method: 'post',
    path: '/v1/check-batch',
    operationId: BATCH,
    tag: 'operations',
    summary: 'As `check`, for up to 100 operations in one call of the store.',
    permission: 'read',
    body: z
      .strictObject({ operations: z.array(checkFields).min(1).max(100) })
      .openapi('CheckBatchRequest'),
    answers: { 200: batchSchema('CheckBatchAnswer', standingSchema) },
    async handle(call, service) {
      const { caller, body } = call;
      const reads = body.operations.map((fields, index) =>
        readOperation(fields, undefined, caller, defaults(service), `body.operations.${index}`),
      );
      const valid = reads.flatMap((read) => (read.kind === 'operation' ? [read.operation] : []));
      const standings = checkOperations(service.runtime, valid);
      const byOperation = new Map(valid.map((operation, at) => [operation, at]));
      const answers = await Promise.all(
        reads.map(async (read) => {
          if (read.kind === 'invalid') return invalid(read.faults);
          return reported(service.runtime, call, subjectOf(read.operation), async () =>
            answerOf(service, (await standings)[byOperation.get(read.operation) ?? 0]),
          ).catch((error: unknown) => answerToError(service, BATCH, error));
        }),
      );
      // They have one read in common: where it had no answer, none of them has.
      const unread = await standings.then(
        () => undefined,
        () => answers.find(({ status }) => status >= 500),
      );
      return unread ?? batchAnswer(answers, firstOf(reads));
    },
  });
}

async function answerOf(service: ApiService, standing: Standing | undefined): Promise<Answer> {
  if (!standing) return problem('internal', 'The check has no answer.');
  switch (standing.kind) {
    case 'absent':
      return { status: 200, body: { state: 'absent', token: standing.token, drift: false } };
    case 'mismatch':
      return mismatch(standing);
    case 'expired':
      return tooOld(standing.token);
    case 'free':
    case 'inDoubt':
    case 'inFlight':
    case 'settled': {
      const operation = await viewOf(service.runtime, standing.found, { withResult: true });
      const drift = standing.kind === 'settled' && standing.drift;
      const { token, retryAfterMs } = operation;
      const settled = standing.kind === 'settled';
      const state = STATES[standing.kind] ?? operation.state;
      const waits = retryAfterMs !== undefined && { retryAfterMs };
      return {
        status: 200,
        body: { state, token, drift, ...waits, operation },
        headers: settledHeaders(operation, settled),
      };
    }
  }
}

const STATES: Partial<Record<Standing['kind'], z.output<typeof standingSchema>['state']>> = {
  free: 'free',
  inFlight: 'in_flight',
  inDoubt: 'in_doubt',
};

function defaults({ runtime }: ApiService) {
  const now = Math.floor(runtime.clock.now());
  return { effect: 'once', retention: 'api', now } as const;
}

export function invalid(faults: readonly string[]): Answer {
  return problem('invalid', 'The operation cannot be told from others.', { faults });
}

export function mismatch({ token, part }: Extract<Standing, { kind: 'mismatch' }>): Answer {
  const detail =
    part === 'request'
      ? `${token} is on record for a request with another action or other params.`
      : `${token} is on record with another context, and this request is strict about it.`;
  return problem('mismatch', detail, { token });
}

export function tooOld(token: string): Answer {
  return problem('expired', `${token} was made before what is still remembered.`, { token });
}
