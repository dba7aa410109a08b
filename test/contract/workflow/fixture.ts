import { randomUUID } from 'node:crypto';
import { runTask } from '../../../functions/src/engine/run-task.ts';
import type { Runtime } from '../../../functions/src/engine/runtime.ts';
import { steerWorkflow } from '../../../functions/src/engine/steer-workflow.ts';
import type { Steering, SteeringAnswer } from '../../../functions/src/engine/steer-workflow.ts';
import type { Steps } from '../../../functions/src/engine/register-steps.ts';
import type { FollowUp } from '../../../functions/src/engine/step.ts';
import { makeTask } from '../../../functions/src/engine/tasks.ts';
import { warmCache } from '../../../functions/src/engine/warm-cache.ts';
import type { TaskMessage } from '../../../functions/src/operation/task.ts';
import type { OutcomeKind } from '../../../functions/src/operation/outcome.ts';
import type { OperationDocuments } from '../../../functions/src/ports/operation-documents.ts';
import type { WorkflowDocuments } from '../../../functions/src/ports/workflow-documents.ts';
import { createTokenStore } from '../../../functions/src/store/token-store.ts';
import type { Namespace, Token } from '../../../functions/src/token/token.ts';
import type { WorkflowRecord } from '../../../functions/src/workflow/record.ts';
import { countedDocuments } from '../../support/counted-documents.ts';
import type { Calls } from '../../support/counted-documents.ts';
import { engineRuntime } from '../../support/engine-runtime.ts';
import type { TestRuntime } from '../../support/engine-runtime.ts';

export const NAMESPACE = 'shop' as Namespace;

export interface WorkflowSubject {
  readonly name: string;
  open(): Promise<OperationDocuments & WorkflowDocuments>;
}

/** A store, one instance on it, and the tasks that it published and nobody has run yet. */
export interface Stage {
  readonly runtime: TestRuntime;
  readonly calls: Calls;
  readonly waiting: TaskMessage[];
  /** Under a key of its own unless one is given. */
  begin(work: FollowUp, key?: string): TaskMessage;
  /** Delivers one task, under a message id of its own, to this instance or another. */
  deliver(task: TaskMessage, instance?: Runtime): Promise<OutcomeKind>;
  /** As another instance would, whose cache is cold. */
  deliverElsewhere(task: TaskMessage): Promise<OutcomeKind>;
  /** Runs all that waits, and what follows, `atOnce` at a time. */
  drain(atOnce?: number): Promise<OutcomeKind[]>;
  workflow(root: Token): Promise<WorkflowRecord | undefined>;
  /** From now on these steps are what is deployed. */
  deploy(steps: Steps): void;
  steer(root: Token, steering: Steering): Promise<SteeringAnswer>;
}

export function stage(
  documents: OperationDocuments & WorkflowDocuments,
  first: Steps,
  changes: Partial<Runtime> = {},
): Stage {
  let steps = first;
  const counted = countedDocuments(documents);
  const waiting: TaskMessage[] = [];
  const publisher = {
    publish: async (tasks: readonly TaskMessage[]) => void waiting.push(...tasks),
    deadLetter: async () => {},
  };
  const runtime = engineRuntime(createTokenStore(counted.documents), {
    publisher,
    ...changes,
  });

  async function run(task: TaskMessage, instance: Runtime): Promise<OutcomeKind> {
    const messageId = randomUUID();
    const delivery = { task, namespace: NAMESPACE, messageId, redelivery: false };
    return (await runTask(instance, steps, delivery)).kind;
  }

  return {
    runtime,
    calls: counted.calls,
    waiting,
    begin(work, key = randomUUID()) {
      const origin = { namespace: NAMESPACE, agent: 'tester', key };
      const task = makeTask(work, origin, Date.now());
      waiting.push(task);
      return task;
    },
    deliver: (task, instance = runtime) => run(task, instance),
    deliverElsewhere: (task) => run(task, { ...runtime, cache: warmCache(runtime.clock) }),
    async drain(atOnce = 1) {
      const outcomes: OutcomeKind[] = [];
      while (waiting.length > 0) {
        const batch = waiting.splice(0, atOnce);
        outcomes.push(...(await Promise.all(batch.map((task) => run(task, runtime)))));
      }
      return outcomes;
    },
    async workflow(root) {
      const answer = await runtime.store.workflows?.get(NAMESPACE, root);
      return answer?.found?.record;
    },
    deploy(next) {
      steps = next;
    },
    async steer(root, steering) {
      const { workflows } = runtime.store;
      if (!workflows) throw new Error('This store keeps no workflows.');
      return steerWorkflow(runtime, workflows, steps, { namespace: NAMESPACE, root }, steering);
    },
  };
}
