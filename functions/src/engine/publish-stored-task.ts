import type { StoredOperation } from '../operation/record.ts';
import { textIfNamed } from './discard-blobs.ts';
import { PayloadGone } from './payload.ts';
import type { Runtime } from './runtime.ts';
import { taskFromText } from './tasks.ts';

/**
 * Publishes the task that a record keeps, if it keeps one that can be read. Doing it twice is harmless:
 * the second is a duplicate.
 */
export async function publishStoredTask(
  { store, blobs, publisher, telemetry }: Runtime,
  { record }: StoredOperation,
): Promise<boolean> {
  const stored = 'task' in record ? record.task : undefined;
  if (!stored) return false;
  let text: string | undefined;
  try {
    text = await textIfNamed({ store, blobs }, record, stored);
  } catch (error) {
    if (!(error instanceof PayloadGone)) throw error;
    telemetry.event('ERROR', 'A stored task cannot be published', { error: error.message });
    return false;
  }
  if (text === undefined) return false;
  await publisher.publish([taskFromText(text)]);
  return true;
}
