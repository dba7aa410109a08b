import type { WorkflowStore } from '../ports/workflow-store.ts';
import type { Namespace, Token } from '../token/token.ts';
import type { MemberProgress, MemberState, WorkflowRecord } from '../workflow/record.ts';
import { isOnItsWay } from '../workflow/advance.ts';
import { advanceWorkflow } from './advance-workflow.ts';
import type { Steps } from './register-steps.ts';
import type { Runtime } from './runtime.ts';
import { seeToMembers } from './see-to-members.ts';
import { notDeployed } from './sweep-workflows.ts';

/** What a person may do to a workflow. */
export type Steering =
  /** Turn one back that runs, or is parked on its way: what has completed is compensated. */
  | { readonly verb: 'cancel'; readonly actor: string; readonly reason: string }
  /** Let a parked one go on; compensations that failed for good are run again, under new tokens. */
  | { readonly verb: 'retry'; readonly actor: string; readonly reason: string }
  /** Take a stuck compensation on oneself: the workflow goes on as if it were undone. */
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

/** Applies a person's decision to a workflow and takes it as far as that allows. */
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

    if (steering.verb === 'cancel') {
      if (!isOnItsWay(found.record)) return notCancellable(found.record);
      const cause = {
        code: 'cancelled',
        message: `Cancelled by ${steering.actor}: ${steering.reason}`,
        retryable: false,
      };
      const record = await advanceWorkflow(runtime, at, cause);
      return record.status === 'completed' ? notCancellable(record) : { kind: 'steered', record };
    }
    const next =
      steering.verb === 'retry' ? retried(found.record) : skipped(found.record, steering.member);
    if (typeof next === 'string') return { kind: 'refused', why: next };
    const { verb, actor, reason } = steering;
    const steered = { verb, actor, reason, at: Math.floor(storeNow) };
    // Due at once: should this process end here, a sweep goes on with it.
    const record = { ...next, steered, dueAt: Math.ceil(storeNow) };
    const written = await workflows.write({ kind: 'move', revision: found.revision, record });
    if (written === 'written') {
      const moved = await advanceWorkflow(runtime, at);
      await seeToMembers(runtime, at, moved);
      return { kind: 'steered', record: moved };
    }
  }
  return { kind: 'refused', why: 'The workflow kept moving. Look at it again, then decide.' };
}

function retried(record: WorkflowRecord): WorkflowRecord | string {
  const { parked: _parked, parkedFrom, ...rest } = record;
  if (record.status !== 'parked' || !parkedFrom) {
    return `Only a parked workflow can be retried; this one is ${record.status}.`;
  }
  const members = mapMembers(record, 'undo_failed', (member) => ({
    ...member,
    state: 'completed',
    token: member.forward ?? member.token,
    retries: (member.retries ?? 0) + 1,
  }));
  return { ...rest, status: parkedFrom, members };
}

function skipped(record: WorkflowRecord, name: string): WorkflowRecord | string {
  const member = record.members[name];
  if (member?.state !== 'undo_failed' && member?.state !== 'undo_in_doubt') {
    return `Step "${name}" has no stuck compensation to skip; it is ${member?.state ?? 'unknown'}.`;
  }
  const { parked: _parked, parkedFrom: _from, ...rest } = record;
  const members = { ...record.members, [name]: { ...member, state: 'skipped' as const } };
  return { ...rest, status: 'compensating', members };
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

function notCancellable({ status }: WorkflowRecord): SteeringAnswer {
  return {
    kind: 'refused',
    why: `Only a running workflow can be cancelled; this one is ${status}.`,
  };
}
