import type { ClaimRequest } from '../operation/claim.ts';
import type { OperationRecord } from '../operation/record.ts';
import type { TaskMessage } from '../operation/task.ts';
import type { MemberProgress, WorkflowRecord } from '../workflow/record.ts';
import type { AnyWorkflow } from './define-workflow.ts';
import { keptResult } from './member-news.ts';
import { isOwn } from './member-step.ts';
import { memberOf } from './plan-move.ts';
import type { Runtime } from './runtime.ts';
import type { AnyStep } from './step.ts';
import { factsOf } from './tasks.ts';
import { forwardTask } from './workflow-tasks.ts';
import type { TaskSource } from './workflow-tasks.ts';

/**
 * Keeps an unsettled step from ever starting, by a `cancelled` record under its token: where nothing
 * stands there yet, or what does has been freed with nothing started. Where somebody was quicker, says
 * how the step stands; `undefined` while it is under way, and compensation waits.
 */
export async function cancelMember(
  runtime: Runtime,
  source: TaskSource,
  name: string,
): Promise<MemberProgress | undefined> {
  const { workflow, record } = source;
  const member = memberOf(workflow, name);
  const task = forwardTask(source, member);
  const request = cancelRequest(runtime, task, member.step, record);
  const standing = await runtime.store.cancel(request, turnedBackBecause(record));
  // Its token is taken: it can never run.
  if (!isOwn(workflow, record, name, standing.record)) {
    return { state: 'cancelled', token: task.token };
  }
  return progressFrom(workflow, standing.record);
}

export function turnedBackBecause({ cause }: WorkflowRecord): string {
  return `Workflow turned back: ${cause?.message ?? 'no reason recorded'}`;
}

/** What an operation that stands under a member's token says of the member. */
export function progressFrom(
  workflow: AnyWorkflow,
  operation: OperationRecord,
): MemberProgress | undefined {
  const { token } = operation;
  switch (operation.status) {
    case 'completed':
      return { state: 'completed', token, ...keptResult(workflow, operation.result) };
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
