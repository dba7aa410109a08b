import { z } from '@hono/zod-openapi';
import { TOKEN_PATTERN } from '../../token/token.ts';
import type { Token } from '../../token/token.ts';

/** The last millisecond that a Date can hold. */
const LATEST_MS = 8_640_000_000_000_000;
export const DAY_MS = 86_400_000;

// oxlint-disable-next-line no-control-regex -- they are what is refused
const NO_CONTROL_CHARACTERS = /^[^\u0000-\u001f\u007f-\u009f]*$/;

export function text(longest: number): z.ZodString {
  return (
    z
      .string()
      .min(1, 'must not be empty')
      .max(longest, `must not be longer than ${longest} characters`)
      // Without flags, since the document carries the pattern alone.
      .regex(NO_CONTROL_CHARACTERS, 'must not hold control characters')
      .refine((value) => value.isWellFormed(), 'must not hold lone surrogates')
  );
}

export const tokenField = z
  .string()
  .regex(TOKEN_PATTERN, 'must be t1_, k1_ or s1_ and a SHA-256 in base64url (43 characters)')
  .openapi({ example: `k1_${'A'.repeat(43)}` }) as unknown as z.ZodType<Token, string>;

export function milliseconds(least: number, most: number) {
  return z.int('must be whole milliseconds').min(least).max(most);
}

export const timeField = z
  .int('must be whole epoch milliseconds')
  .min(0)
  .max(LATEST_MS)
  .describe('Epoch milliseconds.');

/** Any JSON value; dates, big integers, bytes, maps and sets by tags. */
export const valueField = z
  .unknown()
  .describe(
    'Any JSON value. Dates, big integers, bytes, maps and sets are tagged: {"$date":…}, ' +
      '{"$bigint":…}, {"$bytes":…}, {"$map":…}, {"$set":…}.',
  );

export const errorFields = z
  .strictObject({
    code: text(128).describe('For programs to decide on.'),
    message: text(2_000),
  })
  .openapi('ErrorToRecord');

export const logicalTimeField = z
  .int('must be a whole number')
  .min(0)
  .max(2 ** 52);

const PAGE_DEFAULT = 100;

export const pageLimit = {
  default: PAGE_DEFAULT,
  field: z.coerce
    .number()
    .int('must be a whole number')
    .min(1)
    .max(500)
    .default(PAGE_DEFAULT)
    .openapi({ type: 'integer', minimum: 1, maximum: 500, default: PAGE_DEFAULT }),
};

/** Refuses unknown query parameters, as bodies refuse unknown members. */
export const pageQuery = z.strictObject({
  limit: pageLimit.field,
  after: text(512).optional().describe('The `next` of the page before.'),
});
