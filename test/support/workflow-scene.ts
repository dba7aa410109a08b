import { z } from 'zod';
import type { AnyWorkflow } from '../../functions/src/engine/define-workflow.ts';
import { prepare } from '../../functions/src/engine/prepare.ts';
import { publishStoredTask } from '../../functions/src/engine/publish-stored-task.ts';
import { steerWorkflow } from '../../functions/src/engine/steer-workflow.ts';
import type { Steering, SteeringAnswer } from '../../functions/src/engine/steer-workflow.ts';
import { sweepAll } from '../../functions/src/engine/sweep-all.ts';
import type { SweptAll } from '../../functions/src/engine/sweep-all.ts';
import { warmCache } from '../../functions/src/engine/warm-cache.ts';
import { makeTask, NotDone } from '../../functions/src/index.ts';
import { defineStep } from '../../functions/src/index.ts';
import type { Namespace, Steps, Token } from '../../functions/src/index.ts';
import type { StoredOperation } from '../../functions/src/operation/record.ts';
import type { TaskMessage } from '../../functions/src/operation/task.ts';
import type { OperationDocuments } from '../../functions/src/ports/operation-documents.ts';
import type { Override } from '../../functions/src/ports/token-store.ts';
import type { WorkflowDocuments } from '../../functions/src/ports/workflow-documents.ts';
import { createTokenStore } from '../../functions/src/store/token-store.ts';
import { documentId } from '../../functions/src/token/token.ts';
import {
  aDelivery,
  aRuntime,
  memoryPublisher,
  runTask,
  settableClock,
} from '../../functions/src/testing/index.ts';
import { memoryDocuments } from '../../functions/src/testing/memory-documents.ts';
import type { WorkflowRecord } from '../../functions/src/workflow/record.ts';

export const NAMESPACE = 'test' as Namespace;
const SIGNED = { actor: 'ann', reason: 'looked at it' };
/** A little more than a sweep waits before it looks at a workflow again. */
export const NEXT_LOOK_MS = 121_000;

type Documents = OperationDocuments & WorkflowDocuments;
type Unsigned = Steering extends infer Each
  ? Each extends Steering
    ? Omit<Each, 'actor' | 'reason'>
    : never
  : never;

/** One deployment in memory: its time is set, and what it publishes waits until it is delivered. */
export function workflowScene(
  first: Steps,
  { wrap = (documents) => documents }: { readonly wrap?: (documents: Documents) => Documents } = {},
) {
  let steps = first;
  const clock = settableClock();
  const publisher = memoryPublisher();
  const documents = memoryDocuments(() => clock.now());
  const forgotten = new Set<string>();
  const kept = wrap(forgetting(documents, forgotten));
  let dying = false;
  const mortal: Documents = {
    ...kept,
    async commit(writes) {
      if (dying) throw new Error('The process has ended.');
      return kept.commit(writes);
    },
  };
  const store = createTokenStore(mortal, { shards: 1 });
  const runtime = aRuntime({ clock, store, publisher });
  let next = 0;

  async function deliver(task: TaskMessage, messageId: string, instance = runtime) {
    return (await runTask(instance, steps, aDelivery(task, { messageId }))).kind;
  }

  async function prepared(task: TaskMessage) {
    const ready = await prepare(runtime, steps, aDelivery(task));
    if (ready.kind === 'invalid') throw new Error('It can not be run.');
    return ready;
  }

  return {
    clock,
    store,
    runtime,
    /** The actions of all that was ever published. */
    published: () => publisher.published.map(({ action }) => action),
    /** The last task that was published for the action. */
    task(action: string): TaskMessage {
      const task = publisher.published.findLast((each) => each.action === action);
      if (!task) throw new Error(`No task for ${action} was published.`);
      return task;
    },
    deploy(deployed: Steps): void {
      steps = deployed;
    },
    async begin(workflow: AnyWorkflow): Promise<Token> {
      const origin = { namespace: NAMESPACE, agent: 'tester', key: 'one' };
      const task = makeTask(workflow.task({}), origin, clock.now());
      await deliver(task, 'start');
      return task.token;
    },
    /** Delivers what was published, once each, up to the first task for the action. */
    async drain(upTo?: string): Promise<string[]> {
      const outcomes: string[] = [];
      for (; next < publisher.published.length; next += 1) {
        const task = publisher.published[next];
        if (!task || task.action === upTo) break;
        outcomes.push(`${task.action} ${await deliver(task, `m${next}`)}`);
      }
      return outcomes;
    },
    /** What was published and not delivered is lost. */
    lose(): void {
      next = publisher.published.length;
    },
    /** As another instance would, whose cache is cold. */
    deliverAgain: (task: TaskMessage) =>
      deliver(task, 'again', { ...runtime, cache: warmCache(clock) }),
    prepared,
    /** Does something in a process that ends before its next write to a workflow. */
    async dyingBeforeWrites(act: () => Promise<unknown>): Promise<void> {
      dying = true;
      await act().catch(() => {});
      dying = false;
    },
    /** Claims the task, records its start, and is never heard of again. */
    async dieAfterStart(task: TaskMessage): Promise<void> {
      const answer = await store.claim((await prepared(task)).request);
      if (answer.kind !== 'claimed') throw new Error(`It is ${answer.kind}.`);
      await store.start(answer.claim, 'tracked');
    },
    async sweep(): Promise<SweptAll> {
      await clock.advance(NEXT_LOOK_MS);
      return sweepAll(runtime, steps, NAMESPACE);
    },
    async workflow(root: Token): Promise<WorkflowRecord> {
      const found = (await store.workflows?.get(NAMESPACE, root))?.found;
      if (!found) throw new Error('The workflow is not there.');
      return found.record;
    },
    async operation(token: Token | undefined): Promise<StoredOperation['record'] | undefined> {
      return token && (await store.get(NAMESPACE, token))?.record;
    },
    async steer(root: Token, steering: Unsigned, signed = SIGNED): Promise<SteeringAnswer> {
      if (!store.workflows) throw new Error('This store keeps no workflows.');
      const at = { namespace: NAMESPACE, root };
      return steerWorkflow(runtime, store.workflows, steps, at, { ...steering, ...signed });
    },
    /** A person's word about one operation; its task is published again where it keeps one. */
    async override(token: Token, override: Override): Promise<void> {
      const answer = await store.override(NAMESPACE, token, { override, ...SIGNED });
      if (answer.kind !== 'overridden') throw new Error(`It is ${answer.kind}.`);
      await publishStoredTask(runtime, answer.found);
    },
    /** As time to live does: nothing of it is left. */
    forget(token: Token): void {
      forgotten.add(documentId(NAMESPACE, token));
    },
  };
}

export type WorkflowScene = ReturnType<typeof workflowScene>;

/** The states of a workflow's members, by name. */
export function states({ members }: WorkflowRecord): Record<string, string> {
  return Object.fromEntries(Object.entries(members).map(([name, { state }]) => [name, state]));
}

/** A step without params that notes that it ran, and answers `result`; `declined` is final. */
export function noting(
  ran: string[],
  action: string,
  { result, declined = () => false }: { result?: unknown; declined?: () => boolean } = {},
) {
  return defineStep({
    action,
    effect: 'pure',
    params: z.object({}),
    run() {
      if (declined()) throw new NotDone('declined', 'No.', { final: true });
      ran.push(action);
      return result;
    },
  });
}

function forgetting(documents: Documents, forgotten: ReadonlySet<string>): Documents {
  return {
    ...documents,
    async read(ids) {
      const { found, at } = await documents.read(ids);
      const left = found.map((each, index) => (forgotten.has(ids[index] ?? '') ? undefined : each));
      return { found: left, at };
    },
  };
}
