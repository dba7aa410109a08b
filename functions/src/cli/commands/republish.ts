import { PayloadGone, unpackText } from '../../engine/payload.ts';
import { taskFromText } from '../../engine/tasks.ts';
import type { StoredOperation } from '../../operation/record.ts';
import type { Context } from '../context.ts';
import { Failure } from '../failure.ts';

/** Publishes the task that a record keeps. Doing it twice is harmless: the second is a duplicate. */
export async function publishStoredTask(
  { runtime }: Context,
  { record }: StoredOperation,
): Promise<void> {
  const stored = 'task' in record ? record.task : undefined;
  if (!stored) {
    throw new Failure(
      'failed',
      `Operation ${record.token} keeps no task that could be published.`,
      {
        advice: 'It was made by a program that guards its own calls: have that program ask again.',
      },
    );
  }
  try {
    const task = taskFromText(await unpackText(stored, runtime.blobs));
    await runtime.publisher.publish([task]);
  } catch (error) {
    if (!(error instanceof PayloadGone)) throw error;
    throw new Failure('failed', `The task of operation ${record.token} can't be read.`, {
      advice: error.message,
      cause: error,
    });
  }
}
