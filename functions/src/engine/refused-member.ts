import { leaseEnd } from '../operation/claim.ts';
import { isTerminal } from '../operation/record.ts';
import type { OperationRecord, StoredOperation } from '../operation/record.ts';
import type { TaskDelivery, WorkflowPlace } from '../operation/task.ts';
import { advanceWorkflow } from './advance-workflow.ts';
import type { WorkflowAt } from './advance-workflow.ts';
import { isOwn, partOf } from './member-step.ts';
import type { TaskOutcome } from './outcome.ts';
import { tell } from './owed-news.ts';
import { isAwaited, parkOver, takenByAnother } from './park-workflow.ts';
import type { Steps } from './register-steps.ts';
import type { Runtime } from './runtime.ts';
import { seeToMembers } from './see-to-members.ts';
import { notDeployed } from './sweep-workflows.ts';
import { factsOf } from './tasks.ts';
import { within } from './within.ts';

/**
 * Tells a workflow that the task of one of its members was refused: nothing else would, since a refused
 * task is claimed by nobody and not delivered again.
 *
 * - Params that the step's schema refuses by now fail the member for good, as if the step had run and
 *   said so: what has completed is compensated, or the compensation is parked for a person. Where an
 *   earlier attempt may have had an effect, the workflow is parked instead.
 * - An unknown action, or definition, parks it until that is deployed.
 * - Where another request stands under the token, what that comes to is what the workflow is told; it
 *   is parked where that is no step of its own.
 * - One that came too late, while its workflow lives, is published again with today's date.
 *
 * @throws {StoreAway} the task is to be delivered again, and refused again
 */
export async function tellOfRefusal(
  runtime: Runtime,
  steps: Steps,
  delivery: TaskDelivery,
  outcome: TaskOutcome,
): Promise<void> {
  const { workflows } = runtime.store;
  const { workflow: place } = delivery.task;
  const refused =
    outcome.kind === 'invalid' || outcome.kind === 'mismatch' || outcome.kind === 'expired';
  if (!workflows || !place || !refused) return;
  const { clock, limits } = runtime;
  const told = see(runtime, steps, { workflows, place, delivery, outcome });
  await within(clock, limits.recordAnswerMs, told);
}

interface Refusal {
  readonly workflows: WorkflowAt['workflows'];
  readonly place: WorkflowPlace;
  readonly delivery: TaskDelivery;
  readonly outcome: Extract<TaskOutcome, { readonly faults: readonly string[] }>;
}

async function see(runtime: Runtime, steps: Steps, refusal: Refusal): Promise<void> {
  const { workflows, place, delivery, outcome } = refusal;
  const { namespace, task } = delivery;
  const { root, token } = task;
  const { member, name, version } = place;
  const awaited = { namespace, root, member, token };
  const workflow = steps.workflows.pinned(name, version);
  if (!workflow) return parkOver(runtime, workflows, awaited, notDeployed(steps, name, version));
  const { found } = await workflows.get(namespace, root);
  if (!found || !isAwaited(found.record, awaited)) return;

  const at = { workflows, workflow, namespace, root };
  const unwanted = place.direction === 'forward' && found.record.status === 'compensating';
  if (unwanted) return void (await advanceWorkflow(runtime, at));
  const operation = await runtime.store.get(namespace, token);
  if (operation && !isOwn(workflow, found.record, member, operation.record)) {
    return parkOver(runtime, workflows, awaited, takenByAnother(member, place.direction));
  }
  if (operation && isTerminal(operation.record))
    return learn(runtime, at, member, operation.record);
  if (outcome.kind === 'expired') return void (await seeToMembers(runtime, at, found.record));
  if (outcome.kind === 'mismatch' || isUnderWay(runtime, operation)) return;
  if (operation && mayHaveBegun(operation.record)) {
    return parkOver(runtime, workflows, awaited, refusedBy(task.action, outcome.faults));
  }
  return failForGood(runtime, at, refusal);
}

async function learn(
  runtime: Runtime,
  at: WorkflowAt,
  member: string,
  operation: OperationRecord,
): Promise<void> {
  const { told } = await tell(runtime, at, new Map([[member, operation]]));
  if (!told) await advanceWorkflow(runtime, at);
}

/** Nobody may run it any more: not even where its params would fit. */
async function failForGood(
  runtime: Runtime,
  at: WorkflowAt,
  { place, delivery, outcome }: Refusal,
): Promise<void> {
  const { namespace, task } = delivery;
  const step = partOf(at.workflow, place)?.step;
  if (!step) return;
  const madeAt = Math.floor(runtime.store.now());
  const answer = await runtime.store.record({
    facts: factsOf({ ...task, madeAt }, namespace, step),
    claimId: runtime.newClaimId(),
    outcome: { status: 'failed', error: refusedBy(task.action, outcome.faults) },
  });
  if ('found' in answer) await learn(runtime, at, place.member, answer.found.record);
}

/** Held by somebody who takes its params, or waiting until it may be tried again. */
function isUnderWay({ store }: Runtime, operation: StoredOperation | undefined): boolean {
  if (!operation) return false;
  const { record, updatedAt } = operation;
  switch (record.status) {
    case 'claimed':
      return leaseEnd(updatedAt, record) > store.now();
    case 'released':
      return record.notBefore > store.now();
    default:
      return record.status === 'in_doubt';
  }
}

/** An idempotent step notes no start: a lapsed claim of it may have had an effect. */
function mayHaveBegun({ status, effect, started }: OperationRecord): boolean {
  return started === true || (status === 'claimed' && effect === 'idempotent');
}

function refusedBy(action: string, faults: readonly string[]) {
  return {
    code: 'refused',
    message: `The task was refused by ${action}: ${faults.join('; ')}.`,
    retryable: false,
  };
}
