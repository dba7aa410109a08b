import { z } from '@hono/zod-openapi';
import { beginOperation } from '../../engine/begin-operation.ts';
import type { Begun } from '../../engine/begin-operation.ts';
import type { IdentifiedOperation } from '../../engine/identify-operation.ts';
import type { Answer } from './answer.ts';
import { batchAnswer, batchSchema, firstOf } from './batch.ts';
import { invalid, mismatch, tooOld } from './check.ts';
import { beginFields, DEFAULT_LEASE_MS, settledSchema } from './begin-fields.ts';
import type { BeginFields } from './begin-fields.ts';
import { claimSchema } from './claim-fields.ts';
import { addEndpoint, answerToError } from './endpoint.ts';
import type { Api } from './endpoint.ts';
import { settledHeaders, viewOf } from './operation-view.ts';
import { problem } from './problem.ts';
import { readOperation, subjectOf } from './read-operation.ts';
import { reported } from './report.ts';
import type { Timing } from './report.ts';
import type { ApiService, Caller } from './service.ts';

const BATCH = 'BeginOperationBatch';

/** The safe protocol's first step. */
export function addBegin(api: Api): void {
  addEndpoint(api, {
    method: 'post',
    path: '/v1/begin',
    operationId: 'BeginOperation',
    tells: ['replayed', 'expires'],
    tag: 'claims',
    summary: 'Claims an operation, or answers what became of it.',
    description:
      '201: the caller, and nobody else, may run the effect now, until the lease ends. 200: it was ' +
      'run before, and this is the recorded result or error. Anything else: the effect is not to be run.',
    permission: 'run',
    keyed: true,
    body: beginFields,
    answers: { 200: settledSchema, 201: claimSchema },
    problems: [409, 410, 422],
    async handle(call, service) {
      const { caller, body, key } = call;
      const read = readBegin(service, caller, body, key);
      if (read.kind === 'invalid') return invalid(read.faults);
      return begin(service, call, body, read.operation);
    },
  });

  addEndpoint(api, {
    method: 'post',
    path: '/v1/begin-batch',
    operationId: BATCH,
    tag: 'claims',
    summary: 'As `begin`, for up to 100 operations at once. Each is claimed, or not, for itself.',
    description:
      'Of equal ones within the batch the first is claimed, and the others are in flight.',
    permission: 'run',
    body: z
      .strictObject({ operations: z.array(beginFields).min(1).max(100) })
      .openapi('BeginBatchRequest'),
    answers: { 200: batchSchema('BeginBatchAnswer', z.union([claimSchema, settledSchema])) },
    async handle(call, service) {
      const { caller, body } = call;
      const { operations } = body;
      const reads = operations.map((fields, index) =>
        readBegin(service, caller, fields, undefined, `body.operations.${index}`),
      );
      const duplicateOf = firstOf(reads);
      const answers: Promise<Answer>[] = [];
      for (const [index, read] of reads.entries()) {
        const earlier = answers[duplicateOf[index] ?? -1];
        const fields = operations[index];
        answers.push(
          read.kind === 'invalid' || !fields
            ? Promise.resolve(invalid(read.kind === 'invalid' ? read.faults : []))
            : Promise.resolve(earlier)
                .then(() => begin(service, call, fields, read.operation))
                // Its own answer: the others' claims must reach their holder.
                .catch((error: unknown) => answerToError(service, BATCH, error)),
        );
      }
      return batchAnswer(await Promise.all(answers), duplicateOf);
    },
  });
}

function readBegin(
  { runtime }: ApiService,
  caller: Caller,
  fields: BeginFields,
  key: string | undefined,
  where?: string,
) {
  const { effect = 'once', retention = 'api' } = fields;
  const now = Math.floor(runtime.clock.now());
  const read = readOperation(fields, key, caller, { effect, retention, now }, where);
  if (read.kind === 'invalid' || fields.logicalTime === undefined) return read;
  const facts = { ...read.operation.facts, logicalTime: fields.logicalTime };
  return { kind: 'operation' as const, operation: { ...read.operation, facts } };
}

/** Answers also where the store was away: in a batch, others may have been claimed. */
async function begin(
  service: ApiService,
  { caller: { principal }, ...timing }: Timing & { readonly caller: Caller },
  fields: BeginFields,
  operation: IdentifiedOperation,
): Promise<Answer> {
  const { runtime } = service;
  const { started, strictContext = false } = fields;
  const { leaseMs = DEFAULT_LEASE_MS, claimId = runtime.newClaimId(), trackingId } = fields;
  const holder = `caller:${principal}`;
  const asked = { ...operation, claimId, leaseMs, holder, started, strictContext, trackingId };
  return reported(runtime, timing, subjectOf(operation), async () =>
    answerOf(service, await beginOperation(runtime, asked), operation),
  );
}

async function answerOf(
  { runtime, handles }: ApiService,
  begun: Begun,
  { facts: { action, retention } }: IdentifiedOperation,
): Promise<Answer> {
  switch (begun.kind) {
    case 'claimed': {
      const { claim, reconcile } = begun;
      const { token, fence, attempt, leaseMs, started, trackingId } = claim;
      const handle = handles.make({ claim, action, retention: retention.name });
      const tracked = trackingId !== undefined && { trackingId };
      const asks = reconcile && { reconcile: { ...reconcile } };
      const body = { state: 'claimed', token, handle, fence, attempt, leaseMs, started };
      return { status: 201, body: { ...body, ...tracked, ...asks } };
    }
    case 'settled': {
      const operation = await viewOf(runtime, begun.found, { withResult: true });
      const { token, state, reason } = operation;
      if (state === 'cancelled') {
        return problem('cancelled', reason ?? 'The reason is in cold storage.', { token });
      }
      const body = { state, token, drift: begun.drift, operation };
      return { status: 200, body, headers: settledHeaders(operation, true) };
    }
    case 'inFlight':
    case 'inDoubt':
    case 'mismatch':
    case 'expired':
      return unclaimed(begun);
  }
}

/** Why an operation is neither the caller's to run nor settled. */
export function unclaimed(begun: Exclude<Begun, { kind: 'claimed' | 'settled' }>): Answer {
  switch (begun.kind) {
    case 'inFlight': {
      const { token, forMs } = begun;
      // Its holder may be done long before its lease is: nobody waits for the whole of it.
      const retryAfterMs = Math.min(forMs, 1_000);
      return problem('in_flight', `${token} is held by another claim.`, { token, retryAfterMs });
    }
    case 'inDoubt': {
      const { token, error } = begun.found.record;
      return problem('in_doubt', error.message, { token });
    }
    case 'mismatch':
      return mismatch(begun);
    case 'expired':
      return tooOld(begun.token);
  }
}
