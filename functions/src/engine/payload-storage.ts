import { StoreAway } from '../operation/errors.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { ColdEntry, ColdStorage } from '../ports/cold-storage.ts';
import { NoBlobStore } from './payload.ts';
import type { Runtime } from './runtime.ts';
import { within } from './within.ts';

/**
 * The runtime, with blobs and cold storage that fail as the store does: whatever keeps them from answering,
 * or from answering in time, is {@link StoreAway}. Why goes to the log and no further, since it may name
 * buckets and accounts.
 */
export function storageAwayAsStore(runtime: Runtime): Runtime {
  const { blobs, cold, clock, limits, telemetry } = runtime;

  const away = (error: unknown): Error => {
    if (error instanceof NoBlobStore) return error;
    telemetry.event('ERROR', 'The storage of payloads gave no answer', { error: String(error) });
    const message = 'The storage of large and archived payloads gave no answer.';
    return new StoreAway(message, { cause: error });
  };

  async function inTime<T>(asked: Promise<T>): Promise<T> {
    try {
      return await within(clock, limits.recordAnswerMs, asked);
    } catch (error) {
      throw away(error);
    }
  }

  async function* listed(cold: ColdStorage, prefix: string): AsyncIterable<ColdEntry> {
    try {
      yield* cold.list(prefix);
    } catch (error) {
      throw away(error);
    }
  }

  const answering: BlobStore = {
    put: (name, bytes) => inTime(blobs.put(name, bytes)),
    get: (name) => inTime(blobs.get(name)),
    delete: (name) => inTime(blobs.delete(name)),
    deleteUnder: (folder) => inTime(blobs.deleteUnder(folder)),
  };
  if (!cold) return { ...runtime, blobs: answering };
  const answeringCold: ColdStorage = {
    ...cold,
    read: (name, range) => inTime(cold.read(name, range)),
    list: (prefix) => listed(cold, prefix),
    delete: (name) => inTime(cold.delete(name)),
  };
  return { ...runtime, blobs: answering, cold: answeringCold };
}
