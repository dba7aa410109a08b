import type { OperationRecord } from '../operation/record.ts';
import { shownToken } from '../token/token.ts';
import type { Token } from '../token/token.ts';
import type { MemberProgress, WorkflowRecord } from '../workflow/record.ts';
import type { AnyWorkflow } from './define-workflow.ts';
import { keptResult } from './member-news.ts';
import { isBack, isOwn, partOf } from './member-step.ts';
import { memberOf } from './plan-move.ts';
import type { Runtime } from './runtime.ts';
import { factsOf } from './tasks.ts';
import { unbuiltTask } from './workflow-tasks.ts';
import type { TaskSource } from './workflow-tasks.ts';

/**
 * Keeps an unsettled step from ever starting, by a `cancelled` record under its token: where nothing
 * stands there yet, or what does has been freed with nothing started. Where somebody was quicker, says
 * how the step stands; `undefined` while it is under way, and compensation waits.
 */
export async function cancelMember(
  runtime: Runtime,
  at: Place,
  name: string,
): Promise<MemberProgress | undefined> {
  const { workflow, record } = at;
  const standing = await cancelled(runtime, at, name, 'forward', turnedBackBecause(record));
  // Its token is taken: it can never run.
  if (!isOwn(workflow, record, name, standing)) {
    return { state: 'cancelled', token: tokenOf(record, name) };
  }
  return progressFrom(workflow, standing);
}

/**
 * Keeps a compensation that a person takes on from ever running again, as far as it can be kept: one in
 * doubt, once it is resolved as not done. Answers what stands under its token, if it has one of its own.
 */
export async function cancelCompensation(
  runtime: Runtime,
  at: Place,
  name: string,
): Promise<OperationRecord | undefined> {
  const { workflow, record } = at;
  const member = record.members[name];
  if (!member || !isBack(member)) return undefined;
  const found = await runtime.store.get(record.namespace, member.token);
  if (found && !isOwn(workflow, record, name, found.record)) return undefined;
  return cancelled(runtime, at, name, 'back', skippedBecause(name));
}

export function skippedBecause(name: string): string {
  return `A person has taken the compensation of "${name}" on.`;
}

/** A workflow as it was read, its definition, and the store's time. */
type Place = Omit<TaskSource, 'known'>;

/** What stands under the member's token, once all is cancelled there that can be. */
async function cancelled(
  runtime: Runtime,
  at: Place,
  name: string,
  direction: 'forward' | 'back',
  reason: string,
): Promise<OperationRecord> {
  const { record, workflow } = at;
  const member = memberOf(workflow, name);
  const step = partOf(workflow, { member: name, direction })?.step ?? member.step;
  const task = {
    ...unbuiltTask(at, member, direction),
    token: tokenOf(record, name),
    requestHash: record.members[name]?.requestHash ?? UNKNOWN_REQUEST,
  };
  const request = {
    facts: factsOf(task, record.namespace, step),
    claimId: runtime.newClaimId(),
    leaseMs: step.leaseMs,
    holder: 'workflow',
  };
  return (await runtime.store.cancel(request, reason)).record;
}

/** Of a task that was published before its workflow noted its hash: late, it is refused as a mismatch. */
const UNKNOWN_REQUEST = 'unknown';

function tokenOf({ members, root }: WorkflowRecord, name: string): Token {
  const member = members[name];
  if (member) return member.token;
  throw new RangeError(`Step "${name}" of workflow ${shownToken(root)} was never published.`);
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
