import type { Steps } from './register-steps.ts';
import type { Runtime } from './runtime.ts';
import { sweepWorkflows } from './sweep-workflows.ts';
import { sweep } from './sweep.ts';

export interface SweptAll {
  /** Tasks published again, of lapsed or waiting operations and of workflows. */
  readonly redriven: number;
  /** Operations whose follow-ups were published. */
  readonly published: number;
  /** Workflows moved on, turned back or parked. */
  readonly moved: number;
  readonly failed: number;
}

/** One round over all shards, one after another. Bounded by each shard's limit; safe to run twice at once. */
export async function sweepAll(
  runtime: Runtime,
  steps: Steps,
  shards: number = runtime.store.shards,
): Promise<SweptAll> {
  let [redriven, published, moved, failed] = [0, 0, 0, 0];
  for (let shard = 0; shard < shards; shard += 1) {
    const operations = await sweep(runtime, { shard });
    const workflows = await sweepWorkflows(runtime, steps, { shard });
    redriven += operations.redriven + workflows.republished;
    published += operations.published;
    moved += workflows.moved;
    failed += operations.failed + workflows.failed;
  }
  return { redriven, published, moved, failed };
}
