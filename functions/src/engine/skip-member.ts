import { isTerminal } from '../operation/record.ts';
import type { OperationRecord, StoredOperation } from '../operation/record.ts';
import type { MemberProgress, WorkflowRecord } from '../workflow/record.ts';
import type { AnyWorkflow } from './define-workflow.ts';
import { isOwn } from './member-step.ts';

export type Skip =
  /** The workflow with the member's compensation taken on by a person. */
  | { readonly kind: 'skipped'; readonly record: WorkflowRecord }
  /** The compensation has settled, and its workflow does not know yet. */
  | { readonly kind: 'settled'; readonly operation: OperationRecord }
  | { readonly kind: 'refused'; readonly why: string };

/**
 * Whether a person may take a member's compensation on: the workflow waits for it, and nobody but a
 * person gets it on. It failed for good; it is in doubt, whoever knows; its token is another's; its
 * params can't be built. One that may be running, or is asked about first, is refused: it would be
 * taken back twice.
 *
 * @param operation what stands under the member's token
 */
export function skip(
  workflow: AnyWorkflow,
  record: WorkflowRecord,
  name: string,
  operation: StoredOperation | undefined,
): Skip {
  const member = record.members[name];
  switch (member?.state) {
    case 'undo_failed':
      return skipped(record, name, member);
    case 'completed':
      return isParkedOver(record, name)
        ? skipped(record, name, member)
        : notStuck(name, member.state);
    case 'undoing':
    case 'undo_in_doubt':
      break;
    default:
      return notStuck(name, member?.state ?? 'unknown');
  }
  if (!operation) {
    return isParkedOver(record, name)
      ? skipped(record, name, member)
      : notStuck(name, member.state);
  }
  if (!isOwn(workflow, record, name, operation.record)) return skipped(record, name, member);
  // An earlier skip came that far, and no further.
  if (operation.record.status === 'cancelled') return skipped(record, name, member);
  if (isTerminal(operation.record)) return { kind: 'settled', operation: operation.record };
  if (operation.record.status === 'in_doubt') return skipped(record, name, member);
  const freed = member.state === 'undo_in_doubt' && isFreed(operation.record);
  return freed ? skipped(record, name, member) : underWay(name);
}

/** Its compensation could not be made: it was never published, or is lost. */
function isParkedOver({ parked, parkedFrom }: WorkflowRecord, name: string): boolean {
  return parkedFrom === 'compensating' && parked?.over?.includes(name) === true;
}

/** A person has resolved it as not done, and nobody has begun it again. */
function isFreed(record: OperationRecord): boolean {
  return record.status === 'released' && record.started !== true;
}

function skipped(record: WorkflowRecord, name: string, member: MemberProgress): Skip {
  const { parked: _parked, parkedFrom: _from, ...rest } = record;
  const members = { ...record.members, [name]: { ...member, state: 'skipped' as const } };
  return { kind: 'skipped', record: { ...rest, status: 'compensating', members } };
}

function notStuck(name: string, state: string): Skip {
  return {
    kind: 'refused',
    why: `Step "${name}" has no stuck compensation to skip; it is ${state}.`,
  };
}

/** Somebody has it, or what it left started is asked about first. */
export function isHeld({ status }: OperationRecord): boolean {
  return status === 'claimed' || status === 'released';
}

export function underWay(name: string): Extract<Skip, { kind: 'refused' }> {
  return {
    kind: 'refused',
    why:
      `The compensation of "${name}" is under way: what it comes to, the workflow is told. ` +
      'If its holder is gone, the next sweep after the end of its lease goes on with it.',
  };
}
