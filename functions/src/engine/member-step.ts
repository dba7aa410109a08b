import type { OperationRecord } from '../operation/record.ts';
import type { TaskMessage, WorkflowPlace } from '../operation/task.ts';
import type { MemberProgress, WorkflowRecord } from '../workflow/record.ts';
import type { AnyWorkflow, Member } from './define-workflow.ts';
import type { Steps } from './register-steps.ts';
import type { AnyStep } from './step.ts';

/** The step that a task is for: in a workflow under the member's own retry policy, where it has one. */
export function stepFor(
  steps: Steps,
  { action, workflow: place }: TaskMessage,
): AnyStep | undefined {
  const step = steps.get(action);
  const workflow = place && steps.workflows.pinned(place.name, place.version);
  const maxAttempts = workflow && partOf(workflow, place)?.maxAttempts;
  return step && maxAttempts !== undefined ? { ...step, maxAttempts } : step;
}

/** The member, or its compensation, whose tasks have this place. */
export function partOf(
  { stages }: AnyWorkflow,
  { member, direction }: Pick<WorkflowPlace, 'member' | 'direction'>,
): Pick<Member, 'step' | 'maxAttempts'> | undefined {
  const found = stages.flat().find(({ name }) => name === member);
  return direction === 'back' ? found?.compensate : found;
}

/** Whether what stands under a member's token is its own: another may have used it for something else. */
export function isOwn(
  workflow: AnyWorkflow,
  { root, members }: Pick<WorkflowRecord, 'root' | 'members'>,
  member: string,
  operation: OperationRecord,
): boolean {
  const standing = members[member];
  const direction = standing && isBack(standing) ? 'back' : 'forward';
  const action = partOf(workflow, { member, direction })?.step.action;
  return operation.root === root && operation.action === action;
}

/** The member's token names its compensation's operation. */
export function isBack({ token, forward }: MemberProgress): boolean {
  return forward !== undefined && forward !== token;
}
