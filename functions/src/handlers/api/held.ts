import { z } from '@hono/zod-openapi';
import {
  completeClaim,
  concludeWithout,
  renewClaim,
  startClaim,
} from '../../engine/conclude-claim.ts';
import type { Concluded, HeldClaim } from '../../engine/conclude-claim.ts';
import type { HeldAnswer } from '../../ports/token-store.ts';
import type { Token } from '../../token/token.ts';
import type { Answer } from './answer.ts';
import { claimSchema, heldFields } from './claim-fields.ts';
import { addEndpoint } from './endpoint.ts';
import type { Api } from './endpoint.ts';
import { errorFields, milliseconds, text, valueField } from './fields.ts';
import { recordedErrorSchema } from './operation-fields.ts';
import { problem } from './problem.ts';
import { decoded } from './read-operation.ts';
import { reported } from './report.ts';
import type { Timing } from './report.ts';
import type { ApiService, Caller } from './service.ts';

const concludedSchema = z
  .object({
    state: z.enum(['completed', 'failed', 'free', 'in_doubt']),
    token: z.string(),
    at: z.number().describe('Store time, in epoch milliseconds.'),
    error: recordedErrorSchema.optional().describe('As it is on record.'),
  })
  .openapi('Concluded');

const notDone = z
  .boolean()
  .optional()
  .describe(
    'The effect did not happen and will not: the provider refused it, or was never reached. Without ' +
      'that, a started `once` effect goes into doubt, and a started `reconcilable` one is given back ' +
      'with its question.',
  );

/** What a claim's holder may do with it. */
export function addHeld(api: Api): void {
  const common = {
    method: 'post',
    tag: 'claims',
    permission: 'run',
    problems: [409, 422],
  } as const;

  addEndpoint(api, {
    ...common,
    path: '/v1/start',
    operationId: 'StartOperation',
    summary: 'Records that the effect may be sent from now on. Lengthens the lease.',
    body: z
      .strictObject({ ...heldFields, trackingId: text(256).optional() })
      .openapi('StartRequest'),
    answers: { 200: claimSchema },
    handle: (call, service) =>
      withClaim(service, call, async (claimed) => {
        const trackingId = call.body.trackingId ?? claimed.claim.token;
        return heldAnswer(service, claimed, await startClaim(service.runtime, claimed, trackingId));
      }),
  });

  addEndpoint(api, {
    ...common,
    path: '/v1/renew',
    operationId: 'RenewOperation',
    summary: 'Lengthens the lease by its own length from now.',
    body: z.strictObject(heldFields).openapi('RenewRequest'),
    answers: { 200: claimSchema },
    handle: (call, service) =>
      withClaim(service, call, async (claimed) =>
        heldAnswer(service, claimed, await renewClaim(service.runtime, claimed)),
      ),
  });

  addEndpoint(api, {
    ...common,
    path: '/v1/complete',
    operationId: 'CompleteOperation',
    summary: 'Records the result and ends the claim. Sent again, it is answered the same.',
    body: z
      .strictObject({ ...heldFields, result: valueField.optional() })
      .openapi('CompleteRequest'),
    answers: { 200: concludedSchema },
    async handle(call, service) {
      const faults: string[] = [];
      const result = decoded('body.result', call.body.result, faults);
      if (faults.length > 0) return problem('invalid', 'The result is no value.', { faults });
      return withClaim(service, call, async (claimed) =>
        concludedAnswer(claimed, await completeClaim(service.runtime, claimed, result)),
      );
    },
  });

  addEndpoint(api, {
    ...common,
    path: '/v1/fail',
    operationId: 'FailOperation',
    summary: 'Records that the operation failed for good. The error is replayed from then on.',
    body: z.strictObject({ ...heldFields, error: errorFields, notDone }).openapi('FailRequest'),
    answers: { 200: concludedSchema },
    handle: (call, service) =>
      withClaim(service, call, async (claimed) => {
        const { error, notDone: nothing = false } = call.body;
        const terms = { error: { ...error, retryable: false }, notDone: nothing };
        return concludedAnswer(claimed, await concludeWithout(service.runtime, claimed, terms));
      }),
  });

  addEndpoint(api, {
    ...common,
    path: '/v1/release',
    operationId: 'ReleaseOperation',
    summary: 'Gives the claim back, for another attempt.',
    body: z
      .strictObject({
        ...heldFields,
        waitMs: milliseconds(0, 86_400_000).optional().describe('No sooner than after so long.'),
        error: errorFields.optional().describe('Why.'),
        notDone,
      })
      .openapi('ReleaseRequest'),
    answers: { 200: concludedSchema },
    handle: (call, service) =>
      withClaim(service, call, async (claimed) => {
        const { waitMs = 0, error = RELEASED, notDone: nothing = false } = call.body;
        const recorded = { ...error, retryable: true };
        const terms = { error: recorded, againAfterMs: waitMs, notDone: nothing };
        return concludedAnswer(claimed, await concludeWithout(service.runtime, claimed, terms));
      }),
  });
}

const RELEASED = { code: 'released', message: 'Its holder gave the claim back.' };

interface HeldBody {
  readonly handle: string;
  readonly token?: Token | undefined;
}

/**
 * A handle that this service did not make, or that was changed, is answered as one whose claim is over;
 * so is one of another namespace. Neither reaches the store.
 */
async function withClaim(
  { runtime, handles }: ApiService,
  { caller: { namespace }, body, ...timing }: Timing & { caller: Caller; body: HeldBody },
  act: (claimed: HeldClaim) => Promise<Answer>,
): Promise<Answer> {
  const claimed = handles.read(body.handle, namespace);
  if (!claimed) return lost();
  const { claim, action, retention } = claimed;
  const { token, attempt } = claim;
  const subject = { namespace, token, action, class: retention, attempt };
  return reported(runtime, timing, subject, async () =>
    body.token === undefined || body.token === token
      ? act(claimed)
      : problem('mismatch', `The handle is of another operation than ${body.token}.`),
  );
}

function lost(): Answer {
  return problem('claim_lost', 'The handle’s claim is over, or never was one of this namespace.');
}

function heldAnswer({ handles }: ApiService, held: HeldClaim, answer: HeldAnswer): Answer {
  if (answer.kind === 'lost') return lost();
  const { claim } = answer;
  const { token, fence, attempt, leaseMs, started, trackingId } = claim;
  const handle = handles.make({ ...held, claim });
  const tracked = trackingId !== undefined && { trackingId };
  const body = { state: 'claimed', token, handle, fence, attempt, leaseMs, started, ...tracked };
  return { status: 200, body };
}

const STATES = {
  completed: 'completed',
  failed: 'failed',
  in_doubt: 'in_doubt',
  released: 'free',
} as const;

function concludedAnswer({ claim: { token } }: HeldClaim, concluded: Concluded): Answer {
  if (concluded.kind === 'lost') return lost();
  const error = 'error' in concluded ? { error: concluded.error } : {};
  const state = STATES[concluded.kind];
  return { status: 200, body: { state, token, at: concluded.at, ...error } };
}
