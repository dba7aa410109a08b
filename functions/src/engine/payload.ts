import { hash } from 'node:crypto';
import type { OperationFacts, StoredValue } from '../operation/record.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import { CanonicalError, decodeCanonical, encodeCanonical } from '../token/canonical.ts';
import { documentId } from '../token/token.ts';

/**
 * The most that one value may take inside a record. A completed record holds two (result and
 * follow-ups), which keeps it below 700 KiB of Firestore's 1 MiB
 * (https://cloud.google.com/firestore/quotas).
 */
export const INLINE_LIMIT_BYTES = 340 * 1024;

/**
 * The operation whose result a value is. It gets a blob of its own then, so that purging it takes nothing
 * from an operation whose result is the same.
 */
export type Owner = Pick<OperationFacts, 'namespace' | 'token'>;

/**
 * A value as a record holds it. Larger ones are durable in the blob store before this resolves; one
 * without a canonical form is recorded as such, since what produced it must not run again for that.
 */
export async function packValue(
  value: unknown,
  blobs: BlobStore,
  owner?: Owner,
): Promise<StoredValue> {
  try {
    return await packText(encodeCanonical(value), blobs, owner);
  } catch (error) {
    const lasting = error instanceof CanonicalError || error instanceof NoBlobStore;
    if (lasting) return { kind: 'unserialisable', reason: error.message };
    throw error;
  }
}

/** A value is too large for a record, and there is nowhere else to put it. */
export class NoBlobStore extends Error {
  override readonly name = 'NoBlobStore';
  readonly code = 'no_blob_store';
}

/** For programs without a blob store: results over {@link INLINE_LIMIT_BYTES} are recorded as not kept. */
export const noBlobs: BlobStore = {
  async put(name, bytes) {
    throw new NoBlobStore(
      `A payload of ${bytes.length} bytes is over ${INLINE_LIMIT_BYTES}, and no blob store is configured.`,
    );
  },
  get: async () => undefined,
  delete: async () => {},
};

/** As {@link packValue}, for text that is canonical already. */
export async function packText(
  text: string,
  blobs: BlobStore,
  owner?: Owner,
): Promise<StoredValue> {
  if (Buffer.byteLength(text) <= INLINE_LIMIT_BYTES) return { kind: 'inline', text };
  const bytes = Buffer.from(text);
  const folder = owner ? documentId(owner.namespace, owner.token) : 'sha256';
  const name = `${folder}/${hash('sha256', bytes, 'hex')}`;
  await blobs.put(name, bytes);
  return { kind: 'blob', name, bytes: bytes.length };
}

/** There is a record, but its payload can't be had: purged, unserialisable, or its blob is missing. */
export class PayloadGone extends Error {
  override readonly name = 'PayloadGone';
  readonly code = 'payload_gone';
}

/** @throws {PayloadGone} saying why there is no value, though the operation did happen */
export async function unpackValue(stored: StoredValue, blobs: BlobStore): Promise<unknown> {
  return decodeCanonical(await unpackText(stored, blobs));
}

export async function unpackText(stored: StoredValue, blobs: BlobStore): Promise<string> {
  switch (stored.kind) {
    case 'inline':
      return stored.text;
    case 'blob': {
      const bytes = await blobs.get(stored.name);
      if (bytes) return Buffer.from(bytes).toString();
      throw new PayloadGone(`The payload's blob ${stored.name} is missing from the blob store.`);
    }
    case 'unserialisable':
      throw new PayloadGone(
        `The result had no canonical form when it was recorded: ${stored.reason}`,
      );
    case 'purged':
      throw new PayloadGone('The payload was purged by an operator.');
  }
}
