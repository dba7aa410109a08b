import { recordedError } from '../operation/errors.ts';
import type { StoredOperation } from '../operation/record.ts';
import { publishUnsent } from './answer-duplicate.ts';
import { textIfNamed } from './discard-blobs.ts';
import { dueOnes } from './due-ones.ts';
import type { SweepOptions } from './due-ones.ts';
import type { Runtime } from './runtime.ts';
import { taskFromText } from './tasks.ts';

export interface SweepReport {
  readonly redriven: number;
  readonly published: number;
  readonly failed: number;
}

/**
 * Re-drives what has passed its time in one shard: lapsed and waiting operations by publishing their
 * stored task again, unsent follow-ups by publishing them. Safe to run twice at once: a task that
 * runs already is answered as in flight, and publishing again is harmless.
 */
export async function sweep(runtime: Runtime, options: SweepOptions): Promise<SweepReport> {
  let [redriven, published, failed] = [0, 0, 0];
  const { store } = runtime;
  const due = dueOnes(runtime, options, async (page) => {
    const { operations, next } = await store.due(options.shard, page);
    return { due: operations, next };
  });
  for await (const operation of due) {
    try {
      const done = await redrive(runtime, operation);
      if (done === 'redriven') redriven += 1;
      else published += 1;
    } catch (error) {
      failed += 1;
      runtime.telemetry.event('ERROR', 'An overdue operation could not be re-driven', {
        action: operation.record.action,
        error: recordedError(error),
      });
    }
  }
  return { redriven, published, failed };
}

async function redrive(
  runtime: Runtime,
  { record, ...times }: StoredOperation,
): Promise<'redriven' | 'published'> {
  if (record.status === 'completed' && record.outbox?.kind !== 'pending') {
    await publishUnsent(runtime, { ...times, record }, undefined);
    return 'published';
  }
  const stored = 'task' in record ? record.task : undefined;
  const text = stored && (await textIfNamed(runtime, record, stored));
  if (text !== undefined) await runtime.publisher.publish([taskFromText(text)]);
  return 'redriven';
}
