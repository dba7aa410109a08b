import { z } from '@hono/zod-openapi';
import { HANDLE_PATTERN } from './claim-handle.ts';
import { tokenField } from './fields.ts';

const handleField = z
  .string()
  .regex(HANDLE_PATTERN, 'must be a handle as `begin`, `start` or `renew` answered it')
  .describe('Opaque. Each of `start` and `renew` answers a new one to go on with.');

/** What each of a holder's calls says. */
export const heldFields = {
  handle: handleField,
  token: tokenField
    .optional()
    .describe('Of the operation that is meant: a handle of another one is refused then.'),
};

export const claimSchema = z
  .object({
    state: z.literal('claimed'),
    token: z.string().describe('That is held: pass it downstream as a stable key.'),
    handle: z.string().describe('Opaque: what the holder’s later calls are made with.'),
    fence: z.int(),
    attempt: z.int(),
    leaseMs: z.int().describe('Counts from before the request was sent. Renew at half of it.'),
    started: z.boolean().describe('The effect may have been sent, under this or an earlier claim.'),
    trackingId: z.string().optional().describe('What the provider is to know the effect by.'),
    reconcile: z
      .object({ trackingId: z.string(), lapsedAt: z.number() })
      .optional()
      .describe(
        'Ask the provider first what became of this: an earlier holder may have sent it. `lapsedAt`: ' +
          'since when none of them sends any more.',
      ),
  })
  .openapi('Claimed');
