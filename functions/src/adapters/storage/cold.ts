import type { Bucket, File, FileMetadata } from '@google-cloud/storage';
import { ColdMismatch } from '../../ports/cold-storage.ts';
import type { ColdEntry, ColdObject, ColdStorage } from '../../ports/cold-storage.ts';
import { crc32c } from '../../retention/crc32c.ts';

const NOT_FOUND = 404;
const PRECONDITION_FAILED = 412;
const FORBIDDEN = 403;
const PAGE = 500;

/**
 * Cold storage as objects of a Cloud Storage bucket. Written with `ifGenerationMatch=0`: an object that
 * is there already is success where its checksum is equal, and so is one that an unanswered write left.
 * `blobs` is the bucket of the blob store: from there Cloud Storage copies by itself, however much it is.
 */
export function storageCold(bucket: Bucket, blobs?: Bucket): ColdStorage {
  return {
    async put(object) {
      const file = bucket.file(object.name);
      try {
        await file.save(viewOf(object.bytes), {
          resumable: false,
          validation: 'crc32c',
          // No content encoding: with one, a range would be of the plain text.
          contentType: 'application/gzip',
          metadata: { metadata: customMetadata(object) },
          preconditionOpts: { ifGenerationMatch: 0 },
        });
      } catch (error) {
        if (codeOf(error) !== PRECONDITION_FAILED) throw error;
        verify(object.name, crc32c(object.bytes), (await metadataOf(bucket, object.name))?.crc32c);
        return 'standing';
      }
      // Of what the upload answered; asked for only where it answered without.
      const told = file.metadata.crc32c ?? (await metadataOf(bucket, object.name))?.crc32c;
      verify(object.name, crc32c(object.bytes), told);
      return 'written';
    },

    ...(blobs && {
      async copyBlob(blob, object) {
        const source = await metadataOf(blobs, blob);
        if (!source) return 'absent';
        const before = await metadataOf(bucket, object.name);
        const answer = before ? 'standing' : await copiedFrom(blobs.file(blob), bucket, object);
        if (answer === 'absent') return 'absent';
        const standing = before ?? (await metadataOf(bucket, object.name));
        verify(object.name, source.crc32c, standing?.crc32c);
        return answer;
      },
    }),

    async read(name, range) {
      const part = range && { start: range.offset, end: range.offset + range.length - 1 };
      try {
        // A part has no checksum of its own: gzip has one inside.
        const options = part ?? ({ validation: 'crc32c' } as const);
        const [bytes] = await bucket.file(name).download({ decompress: false, ...options });
        return bytes;
      } catch (error) {
        if (codeOf(error) === NOT_FOUND) return undefined;
        throw error;
      }
    },

    async *list(prefix) {
      let pageToken: string | undefined;
      do {
        const [files, next] = await bucket.getFiles({
          prefix,
          maxResults: PAGE,
          autoPaginate: false,
          ...(pageToken !== undefined && { pageToken }),
        });
        for (const { name, metadata } of files) yield entryOf(name, metadata);
        pageToken = (next as { pageToken?: string } | null)?.pageToken;
      } while (pageToken !== undefined);
    },

    async delete(name) {
      try {
        await bucket.file(name).delete();
        return 'deleted';
      } catch (error) {
        if (codeOf(error) === NOT_FOUND) return 'absent';
        if (codeOf(error) !== FORBIDDEN) throw error;
        // Whoever may not delete is told so of what is not there, too.
        const metadata = await metadataOf(bucket, name);
        if (!metadata) return 'absent';
        if (lockOf(metadata) !== undefined) return 'locked';
        throw error;
      }
    },
  };
}

async function copiedFrom(
  source: File,
  bucket: Bucket,
  object: Omit<ColdObject, 'bytes'>,
): Promise<'written' | 'standing' | 'absent'> {
  try {
    await source.copy(bucket.file(object.name), {
      contentType: 'application/json',
      metadata: customMetadata(object),
      preconditionOpts: { ifGenerationMatch: 0 },
    });
    return 'written';
  } catch (error) {
    if (codeOf(error) === PRECONDITION_FAILED) return 'standing';
    if (codeOf(error) === NOT_FOUND) return 'absent';
    throw error;
  }
}

async function metadataOf(bucket: Bucket, name: string): Promise<FileMetadata | undefined> {
  try {
    const [metadata] = await bucket.file(name).getMetadata();
    return metadata;
  } catch (error) {
    if (codeOf(error) === NOT_FOUND) return undefined;
    throw error;
  }
}

/** The same bytes, not copied. */
function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}

function verify(name: string, expected: string | undefined, told: string | undefined): void {
  if (expected !== undefined && told === expected) return;
  throw new ColdMismatch(
    `Object ${name} has the checksum ${told ?? 'none'} instead of ${expected ?? 'none'}. Nothing points to ` +
      'it yet; look at who else writes to this bucket.',
  );
}

function customMetadata({ schema, operations }: Omit<ColdObject, 'bytes'>): Record<string, string> {
  return { schema, operations: String(operations) };
}

function entryOf(name: string, metadata: FileMetadata): ColdEntry {
  const lockedUntil = lockOf(metadata);
  return {
    name,
    bytes: Number(metadata.size ?? 0),
    schema: metadata.metadata?.['schema']?.toString(),
    operations: Number(metadata.metadata?.['operations'] ?? 0),
    storedAt: Date.parse(metadata.timeCreated ?? ''),
    ...(lockedUntil !== undefined && { lockedUntil }),
  };
}

function lockOf(metadata: FileMetadata): number | undefined {
  const { retentionExpirationTime, eventBasedHold, temporaryHold } = metadata;
  if (eventBasedHold === true || temporaryHold === true) return Infinity;
  return retentionExpirationTime === undefined ? undefined : Date.parse(retentionExpirationTime);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
