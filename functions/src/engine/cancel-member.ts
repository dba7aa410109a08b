import type { ClaimRequest } from '../operation/claim.ts';
import type { OperationRecord } from '../operation/record.ts';
import type { TaskMessage } from '../operation/task.ts';
import type { MemberProgress, WorkflowRecord } from '../workflow/record.ts';
import type { AnyWorkflow } from './define-workflow.ts';
import { keptResult } from './member-news.ts';
import { memberOf } from './plan-move.ts';
import type { Runtime } from './runtime.ts';
import type { AnyStep } from './step.ts';
import { factsOf } from './tasks.ts';
import { forwardTask } from './workflow-tasks.ts';
import type { Known } from './workflow-tasks.ts';

/**
 * Keeps a published step from ever starting, by a `cancelled` record under its token. Where somebody
 * was quicker, says how the step stands; `undefined` while it is under way, and compensation waits.
 */
export async function cancelMember(
  runtime: Runtime,
  workflow: AnyWorkflow,
  record: WorkflowRecord,
  name: string,
  known: Known,
): Promise<MemberProgress | undefined> {
  const member = memberOf(workflow, name);
  const task = forwardTask(record, workflow, member, known);
  const request = cancelRequest(runtime, task, member.step, record);
  const reason = `Workflow turned back: ${record.cause?.message ?? 'no reason recorded'}`;
  const standing = await runtime.store.cancel(request, reason);
  return progressFrom(standing.record);
}

/** What an operation that stands under a member's token says of the member. */
export function progressFrom(operation: OperationRecord): MemberProgress | undefined {
  const { token } = operation;
  switch (operation.status) {
    case 'completed':
      return { state: 'completed', token, ...keptResult(operation.result) };
    case 'failed':
      return { state: 'failed', token, error: operation.error };
    case 'cancelled':
      return { state: 'cancelled', token };
    case 'in_doubt':
      return { state: 'in_doubt', token, error: operation.error };
    case 'archived':
      return { state: operation.outcome, token };
    case 'claimed':
    case 'released':
      return undefined;
  }
}

function cancelRequest(
  runtime: Runtime,
  task: TaskMessage,
  step: AnyStep,
  { namespace }: WorkflowRecord,
): ClaimRequest {
  return {
    facts: factsOf(task, namespace, step),
    claimId: runtime.newClaimId(),
    leaseMs: step.leaseMs,
    holder: 'workflow',
  };
}
