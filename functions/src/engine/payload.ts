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
 * The operation that a value belongs to. Its blobs lie below a folder of its own, so that purging it erases
 * all of them, and takes nothing from an operation whose result is the same.
 */
export interface Owner extends Pick<OperationFacts, 'namespace' | 'token'> {
  /** Who writes it. No other claim's blob has its name then, equal or not: where it loses, it can go. */
  readonly claimId?: string;
  /**
   * It may be recorded under the token of a neighbouring window: its blobs lie apart, so that purging the
   * operation that has this token in the end erases nothing of the neighbour's.
   */
  readonly windowed?: boolean;
}

/** What is no result or outbox lies apart from those. */
export type Part = 'task' | 'input';

/** Where an operation's blobs lie, or those of one part of it. */
export function blobFolder({ namespace, token, windowed }: Owner, part?: Part): string {
  const folder = `${windowed ? 'windowed/' : ''}${documentId(namespace, token)}/`;
  return part ? `${folder}${part}/` : folder;
}

/**
 * A value as a record holds it. Larger ones are durable in the blob store before this resolves; one
 * without a canonical form is recorded as such, since what produced it must not run again for that.
 */
export async function packValue(
  value: unknown,
  blobs: BlobStore,
  owner: Owner,
  part?: Part,
): Promise<StoredValue> {
  try {
    return await packText(encodeCanonical(value), blobs, owner, part);
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
  deleteUnder: async () => {},
};

/** As {@link packValue}, for text that is canonical already. */
export async function packText(
  text: string,
  blobs: BlobStore,
  owner: Owner,
  part?: Part,
): Promise<StoredValue> {
  if (Buffer.byteLength(text) <= INLINE_LIMIT_BYTES) return { kind: 'inline', text };
  const bytes = Buffer.from(text);
  const name = `${blobFolder(owner, part)}${part ? '' : writerOf(owner)}${hash('sha256', bytes, 'hex')}`;
  await blobs.put(name, bytes);
  return { kind: 'blob', name, bytes: bytes.length };
}

/** Whether two recorded values are the same, whoever wrote them: a blob's name ends in its content's hash. */
export function sameValue(a: StoredValue, b: StoredValue): boolean {
  if (a.kind === 'inline' && b.kind === 'inline') return a.text === b.text;
  return a.kind === 'blob' && b.kind === 'blob' && hashIn(a.name) === hashIn(b.name);
}

function hashIn(blob: string): string | undefined {
  return blob.split('/').at(-1);
}

function writerOf({ claimId }: Owner): string {
  return claimId === undefined ? '' : `${hash('sha256', claimId, 'base64url').slice(0, 16)}/`;
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
