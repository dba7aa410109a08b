import { z } from '@hono/zod-openapi';
import { ACTION_PATTERN } from '../../token/token.ts';
import { text, timeField, tokenField, valueField } from './fields.ts';

const DIGEST = '[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]';

export const EFFECTS = ['pure', 'idempotent', 'reconcilable', 'once'] as const;

/** What an operation is known by. Every member is optional: a key in the header is enough. */
export const operationFields = {
  key: text(512)
    .refine((key) => Buffer.byteLength(key) <= 512, 'must not be longer than 512 bytes')
    .optional()
    .describe(
      'The caller’s own key for this operation. The header `Idempotency-Key` says the same.',
    ),
  token: tokenField.optional().describe('A token that was made before, and carried.'),
  root: tokenField.optional().describe('The workflow that it belongs to. Default: its own token.'),
  path: text(1_024)
    .optional()
    .describe(
      'Its place within the root. With `root` and without key or token, it makes the token.',
    ),
  occurrence: z
    .int()
    .min(0)
    .max(1_000_000)
    .optional()
    .describe('Keeps intended repetitions of one place apart. Default 0.'),
  scope: text(512)
    .optional()
    .describe('Keeps equal requests of one agent apart where there is no key. Default `global`.'),
  agent: text(256).optional().describe('Who asks. Default: the verified caller.'),
  action: z
    .string()
    .regex(ACTION_PATTERN, 'must be dotted lower-case words, at most 128 characters')
    .optional()
    .describe('What is done: `payments.charge`. Default `operation`.'),
  params: valueField.optional(),
  requestHash: z
    .string()
    .regex(new RegExp(`^r1_${DIGEST}$`), 'must be r1_ and a SHA-256 in base64url (43 characters)')
    .optional()
    .describe('Instead of `params`, where they are to stay with the caller.'),
  context: z
    .strictObject({
      state: valueField.optional(),
      environment: valueField.optional(),
      versions: z.record(text(256), text(256)).optional(),
    })
    .optional()
    .describe('What the request was decided on. Another context is told as drift.'),
  madeAt: timeField.optional().describe('When the request was made. Default: now.'),
};

export const recordedErrorSchema = z
  .object({ code: z.string(), message: z.string(), retryable: z.boolean() })
  .openapi('RecordedError');

export const operationSchema = z
  .object({
    token: z.string(),
    state: z
      .enum(['free', 'in_flight', 'completed', 'failed', 'cancelled', 'in_doubt'])
      .describe('`free`: on record, not settled, and whoever begins it now may run it.'),
    action: z.string(),
    agent: z.string(),
    root: z.string(),
    path: z.string(),
    logicalTime: z.int(),
    madeAt: z.number(),
    createdAt: z.number(),
    updatedAt: z.number(),
    fence: z.int().describe('Grows with every claim and intervention.'),
    attempt: z.int(),
    effect: z.enum(EFFECTS),
    started: z.boolean().describe('The effect may have been sent, and its fate is not known.'),
    trackingId: z.string().optional(),
    retryAfterMs: z.int().optional().describe('`in_flight`: when to ask again.'),
    result: valueField.optional().describe('`completed`: what is on record.'),
    resultGone: z.string().optional().describe('Why there is no result, though it did happen.'),
    error: recordedErrorSchema.optional(),
    reason: z.string().optional().describe('`cancelled`: why.'),
    archived: z.literal(true).optional().describe('The payload rests in cold storage.'),
    completedAt: z.number().optional(),
    expireAt: z.number().optional(),
    forgetAt: z.number().optional(),
    hold: z.literal(true).optional(),
    override: z
      .object({ verb: z.string(), actor: z.string(), reason: z.string(), at: z.number() })
      .optional()
      .describe('The last intervention.'),
  })
  .openapi('Operation');

export type OperationView = z.output<typeof operationSchema>;
