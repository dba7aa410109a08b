import { createHash } from 'node:crypto';

/** A hash of a JSON body by which two sendings compare; the order of its keys is ignored. */
export function bodyHash(body: unknown): string {
  const text = JSON.stringify(body, (_key, value: unknown) => sortedByKey(value));
  return createHash('sha256').update(text).digest('hex');
}

function sortedByKey(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
