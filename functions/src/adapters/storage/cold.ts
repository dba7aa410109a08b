import type { Bucket, FileMetadata } from '@google-cloud/storage';
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
 */
export function storageCold(bucket: Bucket): ColdStorage {
  async function metadataOf(name: string): Promise<FileMetadata | undefined> {
    try {
      const [metadata] = await bucket.file(name).getMetadata();
      return metadata;
    } catch (error) {
      if (codeOf(error) === NOT_FOUND) return undefined;
      throw error;
    }
  }

  return {
    async put(object) {
      const file = bucket.file(object.name);
      try {
        await file.save(Buffer.from(object.bytes), {
          resumable: false,
          validation: 'crc32c',
          // No content encoding: with one, a range would be of the plain text.
          contentType: 'application/gzip',
          metadata: { metadata: customMetadata(object) },
          preconditionOpts: { ifGenerationMatch: 0 },
        });
      } catch (error) {
        if (codeOf(error) !== PRECONDITION_FAILED) throw error;
        verify(object, (await metadataOf(object.name))?.crc32c);
        return 'standing';
      }
      // Of what the upload answered; asked for only where it answered without.
      verify(object, file.metadata.crc32c ?? (await metadataOf(object.name))?.crc32c);
      return 'written';
    },

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
        const locked = codeOf(error) === FORBIDDEN && isLocked(await metadataOf(name));
        if (locked) return 'locked';
        throw error;
      }
    },
  };
}

function verify({ name, bytes }: ColdObject, told: string | undefined): void {
  const expected = crc32c(bytes);
  if (told === expected) return;
  throw new ColdMismatch(
    `Object ${name} has the checksum ${told ?? 'none'} instead of ${expected}. Nothing points to it yet; ` +
      'look at who else writes to this bucket.',
  );
}

function customMetadata({ schema, operations }: ColdObject): Record<string, string> {
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

function isLocked(metadata: FileMetadata | undefined): boolean {
  return metadata !== undefined && lockOf(metadata) !== undefined;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
