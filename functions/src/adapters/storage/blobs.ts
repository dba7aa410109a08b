import type { Bucket } from '@google-cloud/storage';
import type { BlobStore } from '../../ports/blob-store.ts';

const NOT_FOUND = 404;
const PRECONDITION_FAILED = 412;

/**
 * Blobs as objects of a Cloud Storage bucket. Written with `ifGenerationMatch=0`: names carry the
 * content's hash, so an object that is there already is the same one.
 */
export function storageBlobs(bucket: Bucket): BlobStore {
  return {
    async put(name, bytes) {
      try {
        await bucket.file(name).save(Buffer.from(bytes), {
          resumable: false,
          validation: 'crc32c',
          contentType: 'application/json',
          preconditionOpts: { ifGenerationMatch: 0 },
        });
      } catch (error) {
        if (codeOf(error) !== PRECONDITION_FAILED) throw error;
      }
    },

    async get(name) {
      try {
        const [bytes] = await bucket.file(name).download({ validation: 'crc32c' });
        return bytes;
      } catch (error) {
        if (codeOf(error) === NOT_FOUND) return undefined;
        throw error;
      }
    },

    async delete(name) {
      await bucket.file(name).delete({ ignoreNotFound: true });
    },

    async deleteUnder(folder) {
      if (!folder.endsWith('/')) throw new RangeError(`"${folder}" is no folder of blobs.`);
      const [files] = await bucket.getFiles({ prefix: folder });
      for (const file of files) await file.delete({ ignoreNotFound: true });
    },
  };
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
