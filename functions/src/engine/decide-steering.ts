import type { RecordedError } from '../operation/errors.ts';
import type { OperationRecord } from '../operation/record.ts';
import { isOnItsWay } from '../workflow/advance.ts';
import type { MemberProgress, MemberState, WorkflowRecord } from '../workflow/record.ts';
import type { WorkflowAt } from './advance-workflow.ts';
import { cancelCompensation } from './cancel-member.ts';
import type { Runtime } from './runtime.ts';
import { isHeld, skip, underWay } from './skip-member.ts';
import type { Steering } from './steer-workflow.ts';

/** What a person's decision means for a workflow as it stands. */
export type Decided =
  | { readonly kind: 'turn'; readonly cause: RecordedError }
  | { readonly kind: 'write'; readonly record: WorkflowRecord }
  | { readonly kind: 'settled'; readonly member: string; readonly operation: OperationRecord }
  | { readonly kind: 'refused'; readonly why: string };

/** Writes nothing to the workflow; what is skipped is kept from running before that is on record. */
export async function decideSteering(
  runtime: Runtime,
  { workflow, namespace }: WorkflowAt,
  record: WorkflowRecord,
  steering: Steering,
  storeNow: number,
): Promise<Decided> {
  switch (steering.verb) {
    case 'cancel':
      return isOnItsWay(record)
        ? { kind: 'turn', cause: cancelledBy(steering) }
        : notCancellable(record);
    case 'retry': {
      const next = retried(record, storeNow);
      if (typeof next === 'string') return { kind: 'refused', why: next };
      return { kind: 'write', record: signed(next, steering, storeNow) };
    }
    case 'skip': {
      const { member } = steering;
      const token = record.members[member]?.token;
      const operation = token && (await runtime.store.get(namespace, token));
      const next = skip(workflow, record, member, operation);
      if (next.kind === 'settled') return { ...next, member };
      if (next.kind === 'refused') return next;
      // Before it is on record: from then on it must not run, and somebody may be quicker.
      const left = await cancelCompensation(
        runtime,
        { record, workflow, madeAt: storeNow },
        member,
      );
      if (left && isHeld(left)) return underWay(member);
      return { kind: 'write', record: signed(next.record, steering, storeNow) };
    }
  }
}

/** Due at once: should this process end here, a sweep goes on with it. */
function signed(
  record: WorkflowRecord,
  { verb, actor, reason }: Steering,
  storeNow: number,
): WorkflowRecord {
  const steered = { verb, actor, reason, at: Math.floor(storeNow) };
  return { ...record, steered, dueAt: Math.ceil(storeNow) };
}

/** Whether the decision is on record already, as the last that a person has made. */
export function isSigned(
  { status, steered, cause, members }: WorkflowRecord,
  steering: Steering,
): boolean {
  const { verb, actor, reason } = steering;
  if (verb === 'cancel') return cause?.message === cancelledBy(steering).message;
  if (verb === 'retry' && status === 'parked') return false;
  if (verb === 'skip' && members[steering.member]?.state !== 'skipped') return false;
  return steered?.verb === verb && steered.actor === actor && steered.reason === reason;
}

function retried(record: WorkflowRecord, storeNow: number): WorkflowRecord | string {
  const { parked: _parked, parkedFrom, ...rest } = record;
  if (record.status !== 'parked' || !parkedFrom) {
    return `Only a parked workflow can be retried; this one is ${record.status}.`;
  }
  const { deadlineAt = Infinity } = record;
  if (parkedFrom === 'running' && deadlineAt <= storeNow) {
    return (
      `It was to be done by ${new Date(deadlineAt).toISOString()}, so it can't go on any more. ` +
      'Cancel it: what has completed is taken back then.'
    );
  }
  const members = mapMembers(record, 'undo_failed', (member) => ({
    ...member,
    state: 'completed',
    token: member.forward ?? member.token,
    retries: (member.retries ?? 0) + 1,
  }));
  return { ...rest, status: parkedFrom, members };
}

function mapMembers(
  record: WorkflowRecord,
  state: MemberState,
  change: (member: MemberProgress) => MemberProgress,
): WorkflowRecord['members'] {
  return Object.fromEntries(
    Object.entries(record.members).map(([name, member]) => [
      name,
      member.state === state ? change(member) : member,
    ]),
  );
}

function cancelledBy({ actor, reason }: Pick<Steering, 'actor' | 'reason'>): RecordedError {
  return { code: 'cancelled', message: `Cancelled by ${actor}: ${reason}`, retryable: false };
}

export function notCancellable({ status }: WorkflowRecord): {
  readonly kind: 'refused';
  readonly why: string;
} {
  return {
    kind: 'refused',
    why: `Only a running workflow can be cancelled; this one is ${status}.`,
  };
}
