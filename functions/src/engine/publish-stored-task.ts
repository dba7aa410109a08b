import type { StoredOperation } from '../operation/record.ts';
import { PayloadGone, unpackText } from './payload.ts';
import type { Runtime } from './runtime.ts';
import { taskFromText } from './tasks.ts';

/**
 * Publishes the task that a record keeps, if it keeps one that can be read. Doing it twice is harmless:
 * the second is a duplicate.
 */
export async function publishStoredTask(
  { blobs, publisher, telemetry }: Runtime,
  { record }: StoredOperation,
): Promise<boolean> {
  const stored = 'task' in record ? record.task : undefined;
  if (!stored) return false;
  let text: string;
  try {
    text = await unpackText(stored, blobs);
  } catch (error) {
    if (!(error instanceof PayloadGone)) throw error;
    telemetry.event('ERROR', 'A stored task cannot be published', { error: error.message });
    return false;
  }
  await publisher.publish([taskFromText(text)]);
  return true;
}
