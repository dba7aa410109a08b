import { StoreAway } from '../operation/errors.ts';
import type { WriteAnswer } from '../ports/operation-documents.ts';

/** A write's answer, or `undefined` where its outcome is unknown: a question for the read after it. */
export async function unlessUnknown(
  write: () => Promise<WriteAnswer>,
): Promise<WriteAnswer | undefined> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof StoreAway) return undefined;
    throw error;
  }
}
