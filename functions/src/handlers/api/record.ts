import { z } from '@hono/zod-openapi';
import { recordOperation } from '../../engine/record-operation.ts';
import type { RecordedAnswer } from '../../engine/record-operation.ts';
import type { Answer } from './answer.ts';
import { unclaimed } from './begin.ts';
import { invalid } from './check.ts';
import { addEndpoint } from './endpoint.ts';
import type { Api } from './endpoint.ts';
import { errorFields, valueField } from './fields.ts';
import { operationFields, operationSchema } from './operation-fields.ts';
import { settledHeaders, viewOf } from './operation-view.ts';
import { problem } from './problem.ts';
import { decoded, readOperation, subjectOf } from './read-operation.ts';
import { reported } from './report.ts';
import type { ApiService } from './service.ts';

const recordFields = z
  .strictObject({
    ...operationFields,
    result: valueField.optional().describe('What it came to; null where there is nothing to say.'),
    error: errorFields.optional().describe('Instead: why it failed for good.'),
    retention: z.enum(['api', 'workflow', 'financial']).optional(),
  })
  .openapi('RecordRequest');

const recordedSchema = z
  .object({
    state: z.enum(['completed', 'failed']),
    token: z.string(),
    operation: operationSchema.optional().describe('What stood there already.'),
  })
  .openapi('Recorded');

/** The seed's RecordOperation, without a claim before it. */
export function addRecord(api: Api): void {
  addEndpoint(api, {
    method: 'post',
    path: '/v1/record',
    operationId: 'RecordOperation',
    tells: ['replayed', 'expires'],
    tag: 'operations',
    summary: 'Records the outcome of an operation that was not begun here. The first one wins.',
    description:
      '201: recorded. 200: the same outcome stands there already. 409 `other_outcome`: another one does. ' +
      'It cannot keep two callers from running the effect; `begin` can.',
    permission: 'run',
    keyed: true,
    body: recordFields,
    answers: { 200: recordedSchema, 201: recordedSchema },
    problems: [409, 410, 422],
    async handle(call, service) {
      const { caller, body, key } = call;
      const { result: json, error, retention = 'api', ...fields } = body;
      const now = Math.floor(service.runtime.clock.now());
      const read = readOperation(fields, key, caller, { effect: 'pure', retention, now });
      const faults = read.kind === 'invalid' ? [...read.faults] : [];
      if ((json === undefined) === (error === undefined)) {
        faults.push('body.result: give a result or an error, one of them');
      }
      const result = decoded('body.result', json, faults);
      if (faults.length > 0 || read.kind === 'invalid') return invalid(faults);
      const outcome = error ? { error: { ...error, retryable: false } } : { result };
      const { runtime } = service;
      return reported(runtime, call, subjectOf(read.operation), async () => {
        const answer = await recordOperation(runtime, read.operation, outcome);
        return answerOf(service, answer, error ? 'failed' : 'completed');
      });
    },
  });
}

async function answerOf(
  { runtime }: ApiService,
  answer: RecordedAnswer,
  state: 'completed' | 'failed',
): Promise<Answer> {
  switch (answer.kind) {
    case 'recorded':
      return { status: 201, body: { state, token: answer.token } };
    case 'equal': {
      const operation = await viewOf(runtime, answer.found, { withResult: true });
      const headers = settledHeaders(operation, true);
      return { status: 200, body: { state, token: operation.token, operation }, headers };
    }
    case 'other': {
      const { token, status } = answer.found.record;
      const detail = `${token} is on record already, as ${status} with another outcome.`;
      return problem('other_outcome', detail, { token });
    }
    case 'inFlight':
    case 'inDoubt':
    case 'mismatch':
    case 'expired':
      return unclaimed(answer);
  }
}
