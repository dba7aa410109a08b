import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { z } from 'zod';

import { fileBlobs } from '../../functions/src/adapters/filesystem/blobs.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import { jsonLinesTelemetry } from '../../functions/src/adapters/system/telemetry.ts';
import { runTask } from '../../functions/src/engine/run-task.ts';
import { DEFAULT_LIMITS } from '../../functions/src/engine/runtime.ts';
import type { Runtime } from '../../functions/src/engine/runtime.ts';
import { registerSteps } from '../../functions/src/engine/register-steps.ts';
import type { Steps } from '../../functions/src/engine/register-steps.ts';
import { defineStep } from '../../functions/src/engine/step.ts';
import { makeTask } from '../../functions/src/engine/tasks.ts';
import { warmCache } from '../../functions/src/engine/warm-cache.ts';
import type { OutcomeKind } from '../../functions/src/operation/outcome.ts';
import type { TaskMessage } from '../../functions/src/operation/task.ts';
import type { TaskPublisher } from '../../functions/src/ports/task-publisher.ts';
import type { TokenStore } from '../../functions/src/ports/token-store.ts';
import { parseNamespace } from '../../functions/src/token/token.ts';

const found = parseNamespace('bench');
if (found === undefined) throw new Error('"bench" is no namespace any more.');
export const NAMESPACE = found;

export const PARAMS = {
  order: 'order-2026-000417',
  customer: 'customer-88121',
  amount: 129.95,
  currency: 'EUR',
  items: [
    { sku: 'SKU-1009-BLK', quantity: 1, price: 99.95 },
    { sku: 'SKU-2210-XL', quantity: 2, price: 15 },
  ],
};

/** What the step's effect costs nothing to make, and what every contender records. */
export const RESULT = {
  charge: 'ch_3PqX8s2eZvKYlo2C',
  amount: 129.95,
  currency: 'EUR',
  settled: true,
};

/** The texts that the bare clients write: of the same task and the same result as the engine's. */
export const TASK_TEXT = JSON.stringify(task('a-key-as-long-as-the-others'));
export const RESULT_TEXT = JSON.stringify(RESULT);

/** The guarded step: an effect that costs nothing but counts itself. */
function chargeStep(ran: () => void) {
  return defineStep({
    action: 'payments.charge',
    effect: 'idempotent',
    params: z.object({
      order: z.string(),
      customer: z.string(),
      amount: z.number(),
      currency: z.string(),
      items: z.array(z.object({ sku: z.string(), quantity: z.number(), price: z.number() })),
    }),
    run() {
      ran();
      return RESULT;
    },
  });
}

/** A task under a key of the caller's, its token and hashes made here. */
export function task(key: string): TaskMessage {
  const origin = { namespace: NAMESPACE, agent: 'payments', key };
  return makeTask({ action: 'payments.charge', params: PARAMS }, origin, Date.now());
}

/** A key that nobody had before. */
export function freshKey(): string {
  return randomUUID();
}

/** What an instance is made of, on the given store: its own cache, and log lines that go nowhere. */
function runtimeOn(store: TokenStore, publisher: TaskPublisher = NO_QUEUE): Runtime {
  return {
    store,
    publisher,
    blobs: fileBlobs(join(tmpdir(), 'agent-once-bench-blobs')),
    clock: systemClock,
    telemetry: jsonLinesTelemetry({ write: () => {} }),
    cache: warmCache(systemClock),
    newClaimId: randomUUID,
    random: Math.random,
    limits: DEFAULT_LIMITS,
  };
}

const NO_QUEUE: TaskPublisher = {
  async publish() {
    throw new Error('This workload has no follow-ups.');
  },
  async deadLetter({ id }) {
    throw new Error(`Message ${id} was to be dead-lettered.`);
  },
};

/** An instance at work on one step, counting the effects that it ran. */
export interface Instance {
  readonly runtime: Runtime;
  readonly steps: Steps;
  effects(): number;
  run(task: TaskMessage, redelivery?: boolean): Promise<OutcomeKind>;
}

export function instanceOn(store: TokenStore, publisher?: TaskPublisher): Instance {
  const runtime = runtimeOn(store, publisher);
  let effects = 0;
  let messages = 0;
  const steps = registerSteps([
    chargeStep(() => {
      effects += 1;
    }),
  ]);
  return {
    runtime,
    steps,
    effects: () => effects,
    async run(task, redelivery = false) {
      messages += 1;
      const messageId = String(messages);
      const delivery = { task, namespace: NAMESPACE, messageId, redelivery };
      const { kind } = await runTask(runtime, steps, delivery);
      return kind;
    },
  };
}

/** @throws {Error} where a call ended in another way than the bench is about */
export function expectOutcome(outcome: OutcomeKind, expected: OutcomeKind): void {
  if (outcome !== expected) throw new Error(`A call ended as ${outcome}, not ${expected}.`);
}

/** A folder on this machine's own disk. */
export function freshFolder(): string {
  return mkdtempSync(join(tmpdir(), 'agent-once-bench-'));
}
