import type { ReconcileQuestion } from '../operation/claim.ts';
import type { TaskMessage } from '../operation/task.ts';
import type { Claim } from '../ports/token-store.ts';
import { isOnItsWay } from '../workflow/advance.ts';
import type { WorkflowRecord } from '../workflow/record.ts';
import { advanceWorkflow } from './advance-workflow.ts';
import type { WorkflowAt } from './advance-workflow.ts';
import { cancelCompensation, skippedBecause, turnedBackBecause } from './cancel-member.ts';
import type { TaskOutcome } from './outcome.ts';
import type { Steps } from './register-steps.ts';
import type { Runtime } from './runtime.ts';

/**
 * Gives back a claim that took over a member's freed operation which its workflow does not want any
 * more, nothing being started: a step of one that has turned back meanwhile, a compensation that a
 * person has skipped. It is cancelled instead. A first claim needs no such look, since compensation
 * cancels by the very write that a first claim is made with, and so does a skip.
 */
export async function unlessTurnedBack(
  runtime: Runtime,
  steps: Steps,
  task: TaskMessage,
  claim: Claim,
  question: ReconcileQuestion | undefined,
): Promise<TaskOutcome | undefined> {
  const { workflows } = runtime.store;
  const { workflow: place, root } = task;
  const mayDrop = claim.fence > 1 && !claim.started && !question;
  if (!workflows || !place || !mayDrop) return undefined;
  const { namespace, token } = claim;
  const { found } = await workflows.get(namespace, root).catch(async (error: unknown) => {
    await runtime.store.giveBack(claim);
    throw error;
  });
  const workflow = steps.workflows.pinned(place.name, place.version);
  if (!found || !workflow) return undefined;
  const { record } = found;
  const at = { workflows, workflow, namespace, root };
  const { member, direction } = place;
  if (direction === 'forward') {
    if (isOnItsWay(record)) return undefined;
    await runtime.store.giveBack(claim);
    return whenTurnedBack(runtime, at, member);
  }
  const standing = record.members[member];
  if (standing?.state !== 'skipped' || standing.token !== token) return undefined;
  await runtime.store.giveBack(claim);
  return whenSkipped(runtime, at, record, member);
}

async function whenTurnedBack(
  runtime: Runtime,
  at: WorkflowAt,
  member: string,
): Promise<TaskOutcome> {
  const record = await advanceWorkflow(runtime, at);
  // Another may have claimed it in between: it comes again, to see what that one has come to.
  if (record.members[member]?.state !== 'cancelled') return { kind: 'claim_lost' };
  return { kind: 'cancelled', reason: turnedBackBecause(record) };
}

async function whenSkipped(
  runtime: Runtime,
  { workflow }: WorkflowAt,
  record: WorkflowRecord,
  member: string,
): Promise<TaskOutcome> {
  const place = { record, workflow, madeAt: runtime.store.now() };
  const operation = await cancelCompensation(runtime, place, member);
  if (operation?.status !== 'cancelled') return { kind: 'claim_lost' };
  return { kind: 'cancelled', reason: skippedBecause(member) };
}
