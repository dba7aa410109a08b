import { publishOwed } from './publish-state.ts';
import type { Steps } from './register-steps.ts';
import type { Runtime } from './runtime.ts';
import { sweepWorkflows } from './sweep-workflows.ts';
import { sweep } from './sweep.ts';
import type { Namespace } from '../token/token.ts';

export interface SweptAll {
  /** Tasks published again, of lapsed or waiting operations and of workflows. */
  readonly redriven: number;
  /** Operations whose follow-ups were published. */
  readonly published: number;
  /** Workflows moved on, turned back or parked. */
  readonly moved: number;
  /** Versions of state that their writers had not published. */
  readonly versions: number;
  readonly failed: number;
}

/**
 * One round over all shards, one after another, each round from another one on: a round that is cut off
 * must not always be cut off before the same ones. Bounded by each shard's limit; safe to run twice at once.
 */
export async function sweepAll(
  runtime: Runtime,
  steps: Steps,
  namespace: Namespace,
): Promise<SweptAll> {
  const { shards } = runtime.store;
  const first = Math.floor(runtime.random() * shards);
  let [redriven, published, moved, failed] = [0, 0, 0, 0];
  for (let done = 0; done < shards; done += 1) {
    const options = { shard: (first + done) % shards, namespace };
    const operations = await sweep(runtime, options);
    const workflows = await sweepWorkflows(runtime, steps, options);
    redriven += operations.redriven + workflows.republished;
    published += operations.published;
    moved += workflows.moved;
    failed += operations.failed + workflows.failed;
  }
  const { publishedState } = runtime;
  const owed = publishedState && (await publishOwed(publishedState, runtime));
  failed += owed?.failed ?? 0;
  return { redriven, published, moved, versions: owed?.versions ?? 0, failed };
}
