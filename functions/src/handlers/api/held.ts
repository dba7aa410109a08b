import { z } from '@hono/zod-openapi';
import {
  completeClaim,
  concludeWithout,
  renewClaim,
  startClaim,
} from '../../engine/conclude-claim.ts';
import type { Concluded, HeldClaim } from '../../engine/conclude-claim.ts';
import type { HeldAnswer } from '../../ports/token-store.ts';
import type { Answer } from './answer.ts';
import { claimSchema, handleField } from './claim-fields.ts';
import { handleOf, readHandle } from './claim-handle.ts';
import { addEndpoint } from './endpoint.ts';
import type { Api } from './endpoint.ts';
import { errorFields, milliseconds, text, valueField } from './fields.ts';
import { recordedErrorSchema } from './operation-fields.ts';
import { problem } from './problem.ts';
import { decoded } from './read-operation.ts';
import type { Caller } from './service.ts';

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
  const common = { method: 'post', tag: 'claims', permission: 'run', problems: [409] } as const;

  addEndpoint(api, {
    ...common,
    path: '/v1/start',
    operationId: 'StartOperation',
    summary: 'Records that the effect may be sent from now on. Lengthens the lease.',
    body: z
      .strictObject({ handle: handleField, trackingId: text(256).optional() })
      .openapi('StartRequest'),
    answers: { 200: claimSchema },
    handle: ({ caller, body: { handle, trackingId } }, { runtime }) =>
      withClaim(handle, caller, async (held) => {
        const answer = await startClaim(runtime, held, trackingId ?? held.claim.token);
        return heldAnswer(held, answer);
      }),
  });

  addEndpoint(api, {
    ...common,
    path: '/v1/renew',
    operationId: 'RenewOperation',
    summary: 'Lengthens the lease by its own length from now.',
    body: z.strictObject({ handle: handleField }).openapi('RenewRequest'),
    answers: { 200: claimSchema },
    handle: ({ caller, body: { handle } }, { runtime }) =>
      withClaim(handle, caller, async (held) => heldAnswer(held, await renewClaim(runtime, held))),
  });

  addEndpoint(api, {
    ...common,
    path: '/v1/complete',
    operationId: 'CompleteOperation',
    summary: 'Records the result and ends the claim. Sent again, it is answered the same.',
    body: z
      .strictObject({ handle: handleField, result: valueField.optional() })
      .openapi('CompleteRequest'),
    answers: { 200: concludedSchema },
    handle: ({ caller, body }, { runtime }) =>
      withClaim(body.handle, caller, async (held) => {
        const faults: string[] = [];
        const result = decoded('body.result', body.result, faults);
        if (faults.length > 0) return problem('invalid', 'The result is no value.', { faults });
        return concludedAnswer(held, await completeClaim(runtime, held, result));
      }),
  });

  addEndpoint(api, {
    ...common,
    path: '/v1/fail',
    operationId: 'FailOperation',
    summary: 'Records that the operation failed for good. The error is replayed from then on.',
    body: z
      .strictObject({ handle: handleField, error: errorFields, notDone })
      .openapi('FailRequest'),
    answers: { 200: concludedSchema },
    handle: ({ caller, body: { handle, error, notDone = false } }, { runtime }) =>
      withClaim(handle, caller, async (held) => {
        const recorded = { ...error, retryable: false };
        return concludedAnswer(
          held,
          await concludeWithout(runtime, held, { error: recorded, notDone }),
        );
      }),
  });

  addEndpoint(api, {
    ...common,
    path: '/v1/release',
    operationId: 'ReleaseOperation',
    summary: 'Gives the claim back, for another attempt.',
    body: z
      .strictObject({
        handle: handleField,
        waitMs: milliseconds(0, 86_400_000).optional().describe('No sooner than after so long.'),
        error: errorFields.optional().describe('Why.'),
        notDone,
      })
      .openapi('ReleaseRequest'),
    answers: { 200: concludedSchema },
    handle: ({ caller, body }, { runtime }) =>
      withClaim(body.handle, caller, async (held) => {
        const { waitMs = 0, error = RELEASED, notDone = false } = body;
        const recorded = { ...error, retryable: true };
        const terms = { error: recorded, againAfterMs: waitMs, notDone };
        return concludedAnswer(held, await concludeWithout(runtime, held, terms));
      }),
  });
}

const RELEASED = { code: 'released', message: 'Its holder gave the claim back.' };

/** A handle that was not made for this namespace is answered as one whose claim is over. */
async function withClaim(
  handle: string,
  { namespace }: Caller,
  act: (held: HeldClaim) => Promise<Answer>,
): Promise<Answer> {
  const held = readHandle(handle, namespace);
  return held ? act(held) : lost();
}

function lost(): Answer {
  return problem('claim_lost', 'The handle’s claim is over, or never was one of this namespace.');
}

function heldAnswer({ effect }: HeldClaim, answer: HeldAnswer): Answer {
  if (answer.kind === 'lost') return lost();
  const { claim } = answer;
  const { token, fence, attempt, leaseMs, started, trackingId } = claim;
  const handle = handleOf({ claim, effect });
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
