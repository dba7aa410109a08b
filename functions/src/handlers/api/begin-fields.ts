import { z } from '@hono/zod-openapi';
import { logicalTimeField, milliseconds, text } from './fields.ts';
import { EFFECTS, operationFields, operationSchema } from './operation-fields.ts';

export const DEFAULT_LEASE_MS = 60_000;

export const beginFields = z
  .strictObject({
    ...operationFields,
    effect: z
      .enum(EFFECTS)
      .optional()
      .describe('What running it twice would mean. Default `once`, the most careful one.'),
    started: z
      .boolean()
      .optional()
      .describe(
        'Whether the effect may be sent from now on, so that a claim which lapses leaves a question. ' +
          'Default: true for `reconcilable` and `once`. With false, call `start` before sending.',
      ),
    trackingId: text(256)
      .optional()
      .describe('What the provider knows the effect by. Default: the token.'),
    claimId: z
      .string()
      .regex(
        /^[A-Za-z0-9_-]{22,64}$/,
        'must be at least 128 random bits: 22 to 64 base64url digits',
      )
      .optional()
      .describe(
        'Random, and kept over repetitions of this request until one is answered: a repetition then ' +
          'finds the claim that a lost answer was about.',
      ),
    leaseMs: milliseconds(1_000, 3_600_000)
      .optional()
      .describe(`How long the claim lasts without renewal. Default ${DEFAULT_LEASE_MS}.`),
    retention: z
      .enum(['api', 'workflow', 'financial'])
      .optional()
      .describe('How long it is kept: an hour, a day, 30 days. Default `api`.'),
    logicalTime: logicalTimeField.optional().describe('Its place in the ledger: see `Tick`.'),
    strictContext: z
      .boolean()
      .optional()
      .describe('Another context is a mismatch, and not just told as drift.'),
  })
  .openapi('BeginRequest');

export type BeginFields = z.output<typeof beginFields>;

export const settledSchema = z
  .object({
    state: z.enum(['completed', 'failed']),
    token: z.string(),
    drift: z.boolean(),
    operation: operationSchema,
  })
  .openapi('Replayed');
