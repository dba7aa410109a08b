import { z } from '@hono/zod-openapi';
import { parseEntityId } from '../../workflow/state.ts';
import type { EntityId } from '../../workflow/state.ts';
import { pageLimit, text, timeField, tokenField, valueField } from './fields.ts';

/** Named in the query and in bodies: as part of a path, an id like `.` or `a/b` would become another. */
export const entityField = z
  .string()
  .max(512)
  .refine(
    (name) => parseEntityId(name) !== undefined,
    'must be a kind in dotted lower-case words, a slash, and a printable id: account/4711',
  )
  .describe('Its kind, a slash, its own id.')
  .openapi({ example: 'account/4711' }) as unknown as z.ZodType<EntityId, string>;

function inQuery(field: z.ZodInt, least: number) {
  return z.coerce
    .number()
    .pipe(field)
    .optional()
    .openapi({ type: 'integer', minimum: least, maximum: Number.MAX_SAFE_INTEGER });
}

/** Refuses unknown query parameters, as bodies refuse unknown members. */
export const momentQuery = z.strictObject({
  entity: entityField,
  version: inQuery(z.int().min(1), 1).describe('From 1.'),
  asOf: inQuery(timeField, 0).describe('The newest one at this store time, in epoch milliseconds.'),
});

export const historyQuery = z.strictObject({
  entity: entityField,
  limit: pageLimit.field,
  after: inQuery(z.int().min(0), 0).describe('The `next` of the page before.'),
});

export const versionSchema = z
  .object({
    version: z.int(),
    value: valueField,
    schemaVersion: z.int(),
    token: z.string().describe('Of the write that made it.'),
    at: z.number().describe('Store time of that write, in epoch milliseconds.'),
  })
  .openapi('StateVersion');

/** What a write without a claim is known by. */
export const writeIdentity = {
  key: text(512).optional().describe('The write’s own key, the same for each repetition of it.'),
  token: tokenField.optional().describe('Instead of a key: one that was made before, and carried.'),
};

export const schemaVersionField = z
  .int()
  .min(1)
  .max(1_000_000)
  .optional()
  .describe('Of whatever the value follows. Default 1.');

export const writeFields = z
  .strictObject({
    ...writeIdentity,
    entity: entityField,
    ifVersion: z
      .int()
      .min(0)
      .max(Number.MAX_SAFE_INTEGER - 1)
      .describe('The version that was read; 0 where there is none yet.'),
    value: valueField.optional().describe('What the entity is to be. Needed; null is a value.'),
    schemaVersion: schemaVersionField,
  })
  .openapi('WriteStateRequest');
