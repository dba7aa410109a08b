import { isTerminal } from '../../functions/src/operation/record.ts';
import type {
  MemberProgress,
  MemberState,
  WorkflowRecord,
  WorkflowStatus,
} from '../../functions/src/workflow/record.ts';
import type { MemberSpec, SagaSpec } from './workflow-spec.ts';
import type { SagaWorld } from './workflow-world.ts';

/** A change of one workflow's document. */
export interface SagaMove {
  readonly world: SagaWorld;
  readonly spec: SagaSpec;
  readonly before: WorkflowRecord | undefined;
  readonly after: WorkflowRecord;
  /** A person's decision. */
  readonly steered: boolean;
}

/** What no write may ever do to a workflow; the rule that this one broke, if any. */
export function brokenMove(move: SagaMove): string | undefined {
  const { before, after } = move;
  return (
    (before ? brokenCourse(move, before) : brokenAtBirth(after)) ??
    brokenReasons(after) ??
    brokenByMember(move) ??
    brokenByEnd(move)
  );
}

function brokenAtBirth({ status, stage }: WorkflowRecord): string | undefined {
  const born = stage === 0 && (status === 'running' || status === 'parked');
  return born ? undefined : `It was born ${status}, at stage ${stage}.`;
}

const FOLLOWS: Readonly<Record<WorkflowStatus, readonly WorkflowStatus[]>> = {
  running: ['completed', 'compensating', 'compensated', 'parked'],
  compensating: ['compensated', 'parked'],
  parked: [],
  completed: [],
  compensated: [],
};

function brokenCourse({ steered, after }: SagaMove, before: WorkflowRecord): string | undefined {
  const { status, stage, logicalTime } = before;
  const fact = (['root', 'name', 'version', 'shard', 'startedAt', 'deadlineAt', 'madeAt'] as const)
    .filter((name) => before[name] !== after[name])
    .at(0);
  if (fact) return `Its ${fact} changed.`;
  if (after.stage < stage) return `Its stage fell from ${stage} to ${after.stage}.`;
  if (after.stage > stage + 1) return `Its stage leapt from ${stage} to ${after.stage}.`;
  if (after.logicalTime < logicalTime) return 'Its logical time fell.';
  const byPerson = steered && status === 'parked';
  if (after.status !== status && !byPerson && !FOLLOWS[status].includes(after.status)) {
    return `It was ${status} and became ${after.status}.`;
  }
  if (status === 'compensating' && after.stage !== stage) return 'It went on while compensating.';
  const lost = Object.keys(before.members).find((name) => !after.members[name]);
  return lost === undefined ? undefined : `Its member ${lost} went away.`;
}

/** Whoever turns back says why; whoever stands still, too, and what it goes on as. */
function brokenReasons({ status, cause, parked, parkedFrom }: WorkflowRecord): string | undefined {
  const turned = status === 'compensating' || status === 'compensated';
  if (turned && !cause?.message) return `It is ${status} without a cause.`;
  const explained = Boolean(parked?.code && parked.message && parkedFrom);
  if (status === 'parked' && !explained) return 'It is parked without a reason.';
  if (status !== 'parked' && (parked || parkedFrom)) return `It is ${status}, and parked as well.`;
  return undefined;
}

/** A step alone in its stage may be settled and taken back in one write. */
const NEXT: Readonly<Record<MemberState, readonly MemberState[]>> = {
  published: ['completed', 'failed', 'cancelled', 'in_doubt', 'undoing'],
  in_doubt: ['completed', 'failed', 'cancelled', 'undoing'],
  completed: ['undoing'],
  undoing: ['undone', 'undo_failed', 'undo_in_doubt', 'skipped'],
  undo_in_doubt: ['undone', 'undo_failed', 'skipped'],
  undo_failed: [],
  failed: [],
  cancelled: [],
  undone: [],
  skipped: [],
};
const BY_PERSON: Readonly<Partial<Record<MemberState, readonly MemberState[]>>> = {
  completed: ['skipped'],
  undo_failed: ['skipped', 'completed'],
};

function brokenByMember(move: SagaMove): string | undefined {
  const { spec, before, after } = move;
  for (const [stage, members] of spec.stages.entries()) {
    for (const member of members) {
      const [old, next] = [before?.members[member.name], after.members[member.name]];
      if (!next || old === next) continue;
      const rule = brokenChange(move, stage, member, old, next);
      if (rule !== undefined) return `${member.name}: ${rule}`;
    }
  }
  return undefined;
}

function brokenChange(
  move: SagaMove,
  stage: number,
  member: MemberSpec,
  old: MemberProgress | undefined,
  next: MemberProgress,
): string | undefined {
  const { world, steered } = move;
  if (old?.state === next.state) {
    return old.token === next.token ? undefined : `It is ${next.state} under another token.`;
  }
  if (!old) {
    if (next.state !== 'published') return `It began as ${next.state}.`;
    return brokenStart(move, stage, member, next);
  }
  const follows = [...NEXT[old.state], ...((steered && BY_PERSON[old.state]) || [])];
  if (!follows.includes(next.state)) return `It was ${old.state} and became ${next.state}.`;
  if (next.state === 'undoing') return brokenUndoing(move, stage, next);
  const early = next.error?.code === 'deadline_passed' && world.now() < (old.deadlineAt ?? 0);
  if (next.state === 'failed' && early) return 'It failed before its deadline.';
  const status = world.operation(next.token)?.record.status;
  if (next.state === 'skipped' && !steered && status !== 'cancelled') {
    return `It is skipped by nobody, and its operation ${status ?? 'absent'}.`;
  }
  const expected = OPERATION[next.state];
  return expected === undefined || expected === status
    ? undefined
    : `It is ${next.state}, and its operation ${status ?? 'absent'}.`;
}

/** What a member's state says of the operation that its token names; no state for what may change yet. */
export const OPERATION: Readonly<Partial<Record<MemberState, string>>> = {
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
  undone: 'completed',
  undo_failed: 'failed',
};

const HALF_AN_HOUR_MS = 1_800_000;

function brokenStart(
  { world, spec, before, after }: SagaMove,
  stage: number,
  { deadlineMs }: MemberSpec,
  { deadlineAt }: MemberProgress,
): string | undefined {
  if (after.status !== 'running') return `It was published while ${after.status}.`;
  if (stage !== after.stage) return `It was published at stage ${after.stage}.`;
  if (before && after.logicalTime <= before.logicalTime) return 'Its logical time did not grow.';
  const earlier = spec.stages.slice(0, stage).flat();
  const open = earlier.find(({ name }) => after.members[name]?.state !== 'completed');
  if (open) return `It was published before ${open.name} had completed.`;
  if (deadlineMs === undefined) return undefined;
  const off = (deadlineAt ?? Infinity) - (world.now() + deadlineMs);
  return off > 1 || off < -HALF_AN_HOUR_MS ? `Its deadline is ${off} ms off.` : undefined;
}

/** Nothing forward can happen any more, and all that came after it has been taken back. */
function brokenUndoing(
  { world, spec, before, after }: SagaMove,
  stage: number,
  { forward }: MemberProgress,
): string | undefined {
  if (after.status !== 'compensating') return `It is taken back while ${after.status}.`;
  if (before && after.logicalTime <= before.logicalTime) return 'Its logical time did not grow.';
  if (world.operation(forward)?.record.status !== 'completed') {
    return 'It is taken back though it has not completed.';
  }
  for (const [index, members] of spec.stages.entries()) {
    for (const { name, undo } of members) {
      const member = after.members[name];
      if (!member) continue;
      const record = world.operation(member.forward ?? member.token)?.record;
      if (!record || !isTerminal(record)) {
        return `Compensation began while ${name} was ${record?.status ?? 'not cancelled'}.`;
      }
      const behind = index > stage && undo !== undefined && !isTakenBack(member.state);
      if (behind) return `It is taken back before ${name}, which is ${member.state}.`;
    }
  }
  return undefined;
}

function isTakenBack(state: MemberState): boolean {
  return ['undone', 'skipped', 'failed', 'cancelled'].includes(state);
}

function brokenByEnd({ world, spec, before, after }: SagaMove): string | undefined {
  const { status, members, cause, deadlineAt } = after;
  const all = spec.stages.flat();
  if (status === 'completed') {
    const open = all.find(({ name }) => members[name]?.state !== 'completed');
    return open && `It is completed though ${open.name} is ${members[open.name]?.state}.`;
  }
  if (cause?.message.startsWith('The workflow was not done') === true && !before?.cause) {
    if (world.now() < (deadlineAt ?? Infinity)) return 'It turned back before its deadline.';
  }
  if (status !== 'compensated') return undefined;
  const open = all.find(({ name, undo }) => {
    const state = members[name]?.state;
    if (state === undefined || isTakenBack(state)) return false;
    return state !== 'completed' || undo !== undefined;
  });
  return open && `It is compensated though ${open.name} is ${members[open.name]?.state}.`;
}
