import { inspect } from 'node:util';
import { PayloadGone, unpackValue } from '../engine/payload.ts';
import type { StoredValue } from '../operation/record.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import { encodeCanonical } from '../token/canonical.ts';
import { withoutSecrets } from './secrets.ts';

/** A recorded value, or why there is none to show though the operation did happen. */
export type Payload =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'gone'; readonly why: string };

export async function readPayload(stored: StoredValue, blobs: BlobStore): Promise<Payload> {
  try {
    return { kind: 'value', value: await unpackValue(stored, blobs) };
  } catch (error) {
    if (error instanceof PayloadGone) return { kind: 'gone', why: error.message };
    throw error;
  }
}

/** JSON with the tags of canonical text (`$date`, `$bigint`, …), so that nothing is lost on the way. */
export function jsonOf(value: unknown): unknown {
  return JSON.parse(encodeCanonical(value)) as unknown;
}

/** For screens: as Node prints values, fields with secret names hidden. */
export function shownPayload(payload: Payload): string {
  if (payload.kind === 'gone') return payload.why;
  return inspect(withoutSecrets(payload.value), {
    depth: 8,
    breakLength: 80,
    maxStringLength: 2_000,
    maxArrayLength: 50,
  });
}

export function payloadJson(payload: Payload): unknown {
  return payload.kind === 'gone' ? { $gone: payload.why } : jsonOf(withoutSecrets(payload.value));
}
