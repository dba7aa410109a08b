import { recordedError } from '../operation/errors.ts';
import type { StoredOperation } from '../operation/record.ts';
import { publishUnsent } from './answer-duplicate.ts';
import { textIfNamed } from './discard-blobs.ts';
import type { Runtime } from './runtime.ts';
import { taskFromText } from './tasks.ts';
import type { Namespace } from '../token/token.ts';

export interface SweepOptions {
  readonly shard: number;
  /** Whose records: others that share the store have a queue, and a sweep, of their own. */
  readonly namespace: Namespace;
  /** The most records one run looks at; what is left is found by the next. Default 2,000. */
  readonly limit?: number;
}

export interface SweepReport {
  readonly redriven: number;
  readonly published: number;
  readonly failed: number;
}

const PAGE = 200;

/** Overdue for longer than this, a record is re-driven ever more rarely: something is wrong with it. */
const THINNED_AFTER_MS = 900_000;

/**
 * Re-drives what has passed its time in one shard: lapsed and waiting operations by publishing their
 * stored task again, unsent follow-ups by publishing them. Safe to run twice at once: a task that
 * runs already is answered as in flight, and publishing again is harmless.
 */
export async function sweep(runtime: Runtime, options: SweepOptions): Promise<SweepReport> {
  let [redriven, published, failed] = [0, 0, 0];
  for await (const operation of dueOnes(runtime, options)) {
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

/** Page by page: what can't be re-driven stays at the front, and must not keep the rest from it. */
async function* dueOnes(
  { store, random }: Runtime,
  { shard, namespace, limit = 2_000 }: SweepOptions,
): AsyncGenerator<StoredOperation> {
  let after: string | undefined;
  for (let seen = 0; seen < limit; seen += PAGE) {
    const size = Math.min(PAGE, limit - seen);
    const page = await store.due(shard, { limit: size, ...(after !== undefined && { after }) });
    for (const operation of page.operations) {
      const { record } = operation;
      const overdueMs = store.now() - (record.dueAt ?? 0);
      const isTurn = random() * overdueMs < THINNED_AFTER_MS;
      if (record.namespace === namespace && isTurn) yield operation;
    }
    after = page.next;
    if (after === undefined) return;
  }
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
