import type { ReconcileQuestion } from '../operation/claim.ts';
import type { TaskMessage } from '../operation/task.ts';
import type { Claim } from '../ports/token-store.ts';
import { isOnItsWay } from '../workflow/advance.ts';
import { advanceWorkflow } from './advance-workflow.ts';
import { turnedBackBecause } from './cancel-member.ts';
import type { TaskOutcome } from './outcome.ts';
import type { Steps } from './register-steps.ts';
import type { Runtime } from './runtime.ts';

/**
 * Gives back a claim that took a member's freed operation over, where its workflow has turned back
 * meanwhile and nothing was started: it is cancelled instead. A first claim needs no such look, since
 * compensation cancels by the very write that a first claim is made with.
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
  if (!workflows || place?.direction !== 'forward' || !mayDrop) return undefined;
  const { namespace } = claim;
  const { found } = await workflows.get(namespace, root).catch(async (error: unknown) => {
    await runtime.store.giveBack(claim);
    throw error;
  });
  const workflow = steps.workflows.pinned(place.name, place.version);
  if (!found || !workflow || isOnItsWay(found.record)) return undefined;
  await runtime.store.giveBack(claim);
  const record = await advanceWorkflow(runtime, { workflows, workflow, namespace, root });
  // Another may have claimed it in between: it comes again, to see what that one has come to.
  if (record.members[place.member]?.state !== 'cancelled') return { kind: 'claim_lost' };
  return { kind: 'cancelled', reason: turnedBackBecause(record) };
}
