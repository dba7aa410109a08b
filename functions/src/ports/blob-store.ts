/**
 * Payloads too large to sit in a record. Blobs are named by their content, so that writing one twice
 * is the same as writing it once, and a crash between a blob and its record leaves only an orphan.
 */
export interface BlobStore {
  /** Stores the bytes under the name. Resolves once they are durable; an equal blob is success. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** The bytes, or `undefined` where nothing has that name. */
  get(name: string): Promise<Uint8Array | undefined>;
  /** Resolves once nothing has that name, whether or not anything had it. */
  delete(name: string): Promise<void>;
  /** The same for every name that begins with a folder's, which ends in `/`. */
  deleteUnder(folder: string): Promise<void>;
}
