export type ReadKey =
  | { readonly kind: 'key'; readonly key: string | undefined }
  | { readonly kind: 'invalid'; readonly fault: string };

const QUOTED = /^"((?:[^"\\]|\\["\\])*)"$/;

/**
 * The header `Idempotency-Key`: a string in quotes, as the IETF draft has it, or bare, as most clients
 * send it (https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/).
 */
export function readIdempotencyKey(header: string | undefined): ReadKey {
  if (header === undefined) return { kind: 'key', key: undefined };
  const inner = QUOTED.exec(header)?.[1];
  if (inner === undefined && header.startsWith('"')) return invalid('is not closed by a quote');
  const key = inner?.replaceAll(/\\(["\\])/g, '$1') ?? header;
  if (key === '') return invalid('must not be empty');
  if (key.length > 512) return invalid('must not be longer than 512 characters');
  if (!/^[\x20-\x7e]*$/.test(key)) return invalid('must be printable ASCII; use `key` in the body');
  return { kind: 'key', key };
}

function invalid(problem: string): ReadKey {
  return { kind: 'invalid', fault: `Idempotency-Key: ${problem}` };
}
