import { z } from 'zod';
import { ACTION_PATTERN, TOKEN_PATTERN } from '../token/token.ts';
import type { Token } from '../token/token.ts';

const DIGEST = '[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]';
const REQUEST_HASH = new RegExp(`^r1_${DIGEST}$`);
const CONTEXT_HASH = new RegExp(`^c1_${DIGEST}$`);
const WINDOWED_TOKEN = new RegExp(`^t1_${DIGEST}$`);
const KEY_MAX_BYTES = 512;
const DAY_MS = 86_400_000;
/** The last millisecond that a Date can hold. */
const LATEST_MS = 8_640_000_000_000_000;
/** No run of ticks gets here, and from here no workflow's ticks get to the end of safe integers. */
const LATEST_LOGICAL_TIME = 2 ** 52;

const token = tokenOf(
  TOKEN_PATTERN,
  'must be t1_, k1_ or s1_ and a SHA-256 in base64url (43 characters)',
);
const windowedToken = tokenOf(
  WINDOWED_TOKEN,
  'must be t1_ and a SHA-256 in base64url (43 characters)',
);

function tokenOf(pattern: RegExp, otherwise: string): z.ZodType<Token, string> {
  return z.string().regex(pattern, otherwise) as unknown as z.ZodType<Token, string>;
}

function text(longest: number): z.ZodString {
  return z
    .string()
    .min(1, 'must not be empty')
    .max(longest, `must not be longer than ${longest} characters`)
    .refine((value) => value.isWellFormed(), 'has a lone surrogate')
    .refine((value) => !/\p{Cc}/u.test(value), 'has a control character');
}

/**
 * A task as it travels, decoded: the published contract of version 1. Fields that it doesn't name are
 * ignored, so that later versions may add some.
 */
export const taskSchema = z
  .object({
    schema: z
      .literal(
        'agent-once/task@1',
        'must be "agent-once/task@1", the only version this receiver knows',
      )
      .describe('The version of this format.'),
    action: z
      .string()
      .regex(ACTION_PATTERN, 'must be dotted lower-case words, at most 128 characters')
      .describe('The step to run: dotted lower-case words.'),
    params: z
      .unknown()
      .exactOptional()
      .describe(
        'What the step is given; its own schema says what it takes. Dates, big integers, bytes, maps ' +
          'and sets are tagged: {"$date":…}, {"$bigint":…}, {"$bytes":…}, {"$map":…}, {"$set":…}.',
      ),
    key: text(KEY_MAX_BYTES)
      .refine(
        (value) => Buffer.byteLength(value) <= KEY_MAX_BYTES,
        `must not be longer than ${KEY_MAX_BYTES} bytes of UTF-8`,
      )
      .exactOptional()
      .describe(
        "The publisher's own name for this operation, the same whenever it is published again.",
      ),
    token: token
      .exactOptional()
      .describe('The idempotency token, where the publisher made it itself.'),
    requestHash: z
      .string()
      .regex(REQUEST_HASH, 'must be r1_ and a SHA-256 in base64url (43 characters)')
      .exactOptional()
      .describe(
        'Of action and params. Computed on receipt where it is absent, checked where it is not.',
      ),
    contextHash: z
      .string()
      .regex(CONTEXT_HASH, 'must be c1_ and a SHA-256 in base64url (43 characters)')
      .exactOptional()
      .describe('Of what the request was decided on.'),
    agent: text(256).exactOptional().describe('The agent instance that asks.'),
    root: token
      .exactOptional()
      .describe("The token of the workflow's first task. Default: this task's own."),
    path: text(32_768)
      .exactOptional()
      .describe("From the root's action to this one. Default: the action."),
    logicalTime: z
      .int('must be an integer')
      .min(1, 'must be from 1')
      .max(LATEST_LOGICAL_TIME, `must be up to ${LATEST_LOGICAL_TIME}`)
      .exactOptional()
      .describe('Lamport time of the making. Default 1.'),
    madeAt: z
      .int('must be an integer: epoch milliseconds')
      .min(0, 'must be from 0')
      .max(LATEST_MS, `must be up to ${LATEST_MS}`)
      .exactOptional()
      .describe('When the task was made, in epoch milliseconds. Default: when it was published.'),
    window: z
      .object({
        neighbours: z.tuple([windowedToken, windowedToken]),
        lengthMs: z
          .int('must be an integer')
          .min(1, 'must be from 1')
          .max(DAY_MS, `must be up to ${DAY_MS}, one day`),
      })
      .exactOptional()
      .describe(
        'The tokens one time bucket before and after, where the token was made from a bucket.',
      ),
    workflow: z
      .object({
        name: text(128),
        version: z.int('must be an integer').min(1, 'must be from 1'),
        member: text(256),
        direction: z.enum(['forward', 'back'], 'must be "forward" or "back"'),
      })
      .exactOptional()
      .describe('Where the task stands in its workflow.'),
    deadlineAt: z
      .number()
      .min(0, 'must be from 0')
      .max(LATEST_MS, `must be up to ${LATEST_MS}`)
      .exactOptional()
      .describe('By when the task must be claimed to run at all, in epoch milliseconds.'),
    traceparent: z
      .string()
      .optional()
      .catch(undefined)
      .describe('W3C trace context. One that is not well formed is ignored.'),
  })
  .meta({
    title: 'agent-once/task@1',
    description: 'A task for agent-once: the data of a Pub/Sub message.',
    oneOf: [{ required: ['key'] }, { required: ['token'] }],
    dependentRequired: { window: ['token', 'madeAt'] },
  });

export type TaskFields = z.output<typeof taskSchema>;

/** The contract for publishers in other languages, as JSON Schema 2020-12. */
export function taskJsonSchema(): unknown {
  return z.toJSONSchema(taskSchema, { io: 'input' });
}
