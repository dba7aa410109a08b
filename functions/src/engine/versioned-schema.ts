import { z } from 'zod';
import { RetryableError } from '../operation/errors.ts';
import { decodeCanonical, encodeCanonical } from '../token/canonical.ts';
import { upcast } from '../workflow/upcast.ts';
import type { Upcasters } from '../workflow/upcast.ts';

/** What values look like, now and in the versions that are still kept. */
export interface VersionedSchema<Schema extends z.ZodType = z.ZodType> {
  /**
   * Values are checked and encoded by it when written, decoded by it when read. A conversion must lead
   * both ways (`z.codec`); a one-way `transform` is refused by the first write.
   */
  readonly schema: Schema;
  /** From 1. Raise it with every change that older values don't fit, and add an upcaster. */
  readonly schemaVersion: number;
  readonly upcasters: Upcasters;
}

/**
 * The canonical text of a value. `what` names it in errors.
 *
 * @throws {RetryableError} `schema_misfit` for a value that the schema refuses
 * @throws {CanonicalError} for one that has no canonical form
 * @throws {RangeError} for a text of more than `maxBytes`
 */
export function encodeAs<Schema extends z.ZodType>(
  { schema }: VersionedSchema<Schema>,
  what: string,
  value: z.output<Schema>,
  maxBytes: number,
): string {
  const encoded = z.safeEncode(schema, value);
  if (!encoded.success) throw misfit(what, encoded.error);
  const text = encodeCanonical(encoded.data);
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxBytes) return text;
  throw new RangeError(
    `${what} takes ${bytes} bytes as text, over the limit of ${maxBytes}. ` +
      'Put what is large into a blob, and its name here.',
  );
}

/**
 * A stored value, brought to the newest schema version.
 *
 * @throws {RetryableError} `schema_newer` where this build is too old for it, `upcast_failed` where an
 * upcaster throws, `schema_misfit` where upcasting came to something that the schema refuses
 */
export function decodeAs<Schema extends z.ZodType>(
  versioned: VersionedSchema<Schema>,
  what: string,
  stored: { readonly schemaVersion: number; readonly text: string },
): z.output<Schema> {
  const { schema } = versioned;
  const current = upcast(what, stored.schemaVersion, decodeCanonical(stored.text), versioned);
  const decoded = decodeBy(schema, what, current as z.input<Schema>);
  if (!decoded.success) throw misfit(what, decoded.error);
  return decoded.data;
}

function decodeBy<Schema extends z.ZodType>(schema: Schema, what: string, value: z.input<Schema>) {
  try {
    return z.safeDecode(schema, value);
  } catch (error) {
    throw new RetryableError(
      'schema_misfit',
      `${what} does not fit its schema, which threw: ${String(error)}. Mend that schema and deploy it; ` +
        'what is stored stays as it was written.',
      { cause: error },
    );
  }
}

function misfit(what: string, error: z.ZodError): RetryableError {
  const faults = z.prettifyError(error).replaceAll(/\s+/g, ' ');
  return new RetryableError('schema_misfit', `${what} does not fit its schema: ${faults}`);
}
