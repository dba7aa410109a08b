import type { WorkflowStore } from '../ports/workflow-store.ts';
import type { Namespace, Token } from '../token/token.ts';
import type { WorkflowRecord } from '../workflow/record.ts';
import { advanceWorkflow } from './advance-workflow.ts';
import type { WorkflowAt } from './advance-workflow.ts';
import { cancelCompensation } from './cancel-member.ts';
import { decideSteering, isSigned, notCancellable } from './decide-steering.ts';
import { tell } from './owed-news.ts';
import type { Steps } from './register-steps.ts';
import type { Runtime } from './runtime.ts';
import { seeToMembers } from './see-to-members.ts';
import { notDeployed } from './sweep-workflows.ts';

/** What a person may do to a workflow. */
export type Steering =
  /** Turn one back that runs, or is parked on its way: what has completed is compensated. */
  | { readonly verb: 'cancel'; readonly actor: string; readonly reason: string }
  /**
   * Let a parked one go on; compensations that failed for good are run again, under new tokens. Not one
   * on its way whose deadline has passed: that would be taken back, which is a `cancel`.
   */
  | { readonly verb: 'retry'; readonly actor: string; readonly reason: string }
  /** Take a stuck compensation on oneself: the workflow goes on as if it were undone. It never runs again. */
  | {
      readonly verb: 'skip';
      readonly member: string;
      readonly actor: string;
      readonly reason: string;
    };

export type SteeringAnswer =
  | { readonly kind: 'steered'; readonly record: WorkflowRecord }
  | { readonly kind: 'absent' }
  | { readonly kind: 'refused'; readonly why: string };

const MAX_ROUNDS = 5;

/**
 * Applies a person's decision to a workflow and takes it as far as that allows. The same decision, sent
 * again because its answer was lost, is recognised by its signature and answered as made.
 *
 * @throws {StoreAway} whether it is made is then unknown; ask again
 */
export async function steerWorkflow(
  runtime: Runtime,
  workflows: WorkflowStore,
  steps: Steps,
  { namespace, root }: { readonly namespace: Namespace; readonly root: Token },
  steering: Steering,
): Promise<SteeringAnswer> {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const { found, at: storeNow } = await workflows.get(namespace, root);
    if (!found) return { kind: 'absent' };
    const { name, version } = found.record;
    const workflow = steps.workflows.pinned(name, version);
    if (!workflow) return { kind: 'refused', why: notDeployed(steps, name, version).message };
    const at = { workflows, workflow, namespace, root };

    const decided = await decideSteering(runtime, at, found.record, steering, storeNow);
    switch (decided.kind) {
      case 'settled':
        await tell(runtime, at, new Map([[decided.member, decided.operation]]));
        break;
      case 'refused': {
        const before = isSigned(found.record, steering);
        return before ? goOn(runtime, at, steering) : { kind: 'refused', why: decided.why };
      }
      case 'turn': {
        const record = await advanceWorkflow(runtime, at, decided.cause);
        return record.status === 'completed' ? notCancellable(record) : { kind: 'steered', record };
      }
      case 'write': {
        const { revision } = found;
        const written = await workflows.write({ kind: 'move', revision, record: decided.record });
        if (written === 'written') return goOn(runtime, at, steering);
      }
    }
  }
  return { kind: 'refused', why: 'The workflow kept moving. Look at it again, then decide.' };
}

/** What follows from a decision that stands. */
async function goOn(runtime: Runtime, at: WorkflowAt, steering: Steering): Promise<SteeringAnswer> {
  const { found } = await at.workflows.get(at.namespace, at.root);
  if (!found) return { kind: 'absent' };
  const { record } = found;
  if (steering.verb === 'skip') {
    const place = { record, workflow: at.workflow, madeAt: runtime.store.now() };
    await cancelCompensation(runtime, place, steering.member);
  }
  const moved = await advanceWorkflow(runtime, at);
  // Logical time tells whether that has made, and published, the tasks which are open now.
  if (moved.logicalTime !== record.logicalTime) return { kind: 'steered', record: moved };
  await seeToMembers(runtime, at, moved);
  const after = await at.workflows.get(at.namespace, at.root);
  return { kind: 'steered', record: after.found?.record ?? moved };
}
