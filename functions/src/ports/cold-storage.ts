/** One object to be kept for long. */
export interface ColdObject {
  /** Made from the content, so that an object under the name can only be the same one. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Of the content; kept beside it. */
  readonly schema: string;
  /** How many operations are in it; kept beside it. */
  readonly operations: number;
}

/** An object as a listing shows it. */
export interface ColdEntry {
  readonly name: string;
  readonly bytes: number;
  readonly schema: string | undefined;
  readonly operations: number;
  /** When it was written, in epoch milliseconds by the storage's clock; 0 where that is not known. */
  readonly storedAt: number;
  /** Until when nobody may delete it, in epoch milliseconds; `Infinity` while a hold is on it. */
  readonly lockedUntil?: number;
}

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** Another content stands under a name made from content, or arrived otherwise than it was sent. */
export class ColdMismatch extends Error {
  override readonly name = 'ColdMismatch';
  readonly code = 'cold_mismatch';
}

/**
 * Objects that are written once and read seldom.
 *
 * Any call may throw where the storage gives no answer; for a write, whether it stands is then unknown,
 * and writing again is safe.
 */
export interface ColdStorage {
  /**
   * Resolves once the object is durable and its CRC32C is that of the bytes. `standing`: it was there.
   *
   * @throws {ColdMismatch} where the checksum is another one
   */
  put(object: ColdObject): Promise<'written' | 'standing'>;
  /**
   * Where blobs lie beside it: copies one, its bytes passing by nobody. Otherwise as `put`. `absent`: the
   * blob store has none of that name.
   *
   * @throws {ColdMismatch} where the checksum is another one
   */
  copyBlob?(
    blob: string,
    object: Omit<ColdObject, 'bytes'>,
  ): Promise<'written' | 'standing' | 'absent'>;
  /** The object, or a part of it; `undefined` where nothing has that name. */
  read(name: string, range?: ByteRange): Promise<Uint8Array | undefined>;
  /** One by one in the order of names, however many there are. */
  list(prefix: string): AsyncIterable<ColdEntry>;
  /** `locked`: a retention policy or a hold keeps it. */
  delete(name: string): Promise<'deleted' | 'absent' | 'locked'>;
}
