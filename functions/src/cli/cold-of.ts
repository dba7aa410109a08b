import type { ColdStorage } from '../ports/cold-storage.ts';
import type { Context } from './context.ts';
import { Failure } from './failure.ts';

/** @throws {Failure} where no cold storage is configured */
export function coldOf({ runtime }: Pick<Context, 'runtime'>): ColdStorage {
  if (runtime.cold) return runtime.cold;
  throw new Failure('usage', 'There is no cold storage: AGENT_ONCE_ARCHIVE_BUCKET is not set.', {
    advice:
      'Set it as it is set for the functions. Large payloads need AGENT_ONCE_BLOB_BUCKET too.',
  });
}
