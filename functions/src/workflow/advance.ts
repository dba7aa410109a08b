import type { RecordedError } from '../operation/errors.ts';
import type { MemberProgress, MemberState, WorkflowRecord } from './record.ts';

/** A workflow's shape, as far as its course depends on it. */
export interface Plan {
  readonly stages: readonly (readonly PlannedMember[])[];
}

export interface PlannedMember {
  readonly name: string;
  /** It has a compensation. */
  readonly undoable: boolean;
}

/** What a settled operation says of its member. */
export interface MemberNews {
  readonly name: string;
  readonly progress: MemberProgress;
}

/** Names of members whose tasks are to be made and published. */
export interface Course {
  readonly record: WorkflowRecord;
  readonly forward: readonly string[];
  readonly back: readonly string[];
  /**
   * Those that compensation waits for: published ones are to be kept from starting, and one in doubt
   * may have been resolved.
   */
  readonly cancel: readonly string[];
}

const OPEN: ReadonlySet<MemberState> = new Set([
  'published',
  'in_doubt',
  'undoing',
  'undo_in_doubt',
]);

/** The record with one member's news in it. Nothing else changes: what follows is {@link advance}'s. */
export function withNews(record: WorkflowRecord, { name, progress }: MemberNews): WorkflowRecord {
  return { ...record, members: { ...record.members, [name]: progress } };
}

/**
 * Where a workflow goes from what is known of its members. Called again on its own answer it answers
 * the same record and asks for nothing new to be decided: whoever runs it, and however often.
 */
export function advance(record: WorkflowRecord, plan: Plan): Course {
  switch (record.status) {
    case 'running':
      return forward(record, plan);
    case 'compensating':
      return back(record, plan);
    case 'completed':
    case 'compensated':
    case 'parked':
      return stay(record);
  }
}

/** The course of a workflow that a person or a deadline turns back; it may be parked on its way forward. */
export function turnBack(record: WorkflowRecord, plan: Plan, cause: RecordedError): Course {
  if (!isOnItsWay(record)) return advance(record, plan);
  const { parked: _parked, parkedFrom: _from, ...rest } = record;
  return back({ ...rest, status: 'compensating', cause }, plan);
}

/** Forward, even if it stands still. */
export function isOnItsWay({ status, parkedFrom }: WorkflowRecord): boolean {
  return status === 'running' || (status === 'parked' && parkedFrom === 'running');
}

/** A stage whose tasks could not be made when it was reached has them made now. */
function forward(record: WorkflowRecord, plan: Plan): Course {
  const members = plan.stages[record.stage] ?? [];
  const failed = members.find(({ name }) => stateOf(record, name) === 'failed');
  if (failed) {
    const cause = record.members[failed.name]?.error ?? UNEXPLAINED;
    return back({ ...record, status: 'compensating', cause }, plan);
  }
  const unmade = members.filter(({ name }) => stateOf(record, name) === undefined);
  if (unmade.length > 0) return { ...stay(record), forward: unmade.map(({ name }) => name) };
  if (members.some(({ name }) => stateOf(record, name) !== 'completed')) return stay(record);
  const next = plan.stages[record.stage + 1];
  if (!next) return stay({ ...record, status: 'completed' });
  return {
    ...stay({ ...record, stage: record.stage + 1 }),
    forward: next.map(({ name }) => name),
  };
}

/**
 * Compensation waits until nothing forward can happen any more: every published step is cancelled
 * before it began, or has settled. Then stage by stage, last first, each stage's members at once.
 */
function back(record: WorkflowRecord, plan: Plan): Course {
  const reached = plan.stages.slice(0, record.stage + 1);
  const names = reached.flat().map(({ name }) => name);
  const unsettled = names.filter((name) => isUnsettled(stateOf(record, name)));
  if (unsettled.length > 0) return { ...stay(record), cancel: unsettled };

  for (const stage of reached.toReversed()) {
    const stuck = stage.find(({ name }) => stateOf(record, name) === 'undo_failed');
    if (stuck) return stay(parkedBy(record, stuck.name));
    const states = stage.map(({ name }) => stateOf(record, name));
    if (states.some((state) => state === 'undoing' || state === 'undo_in_doubt'))
      return stay(record);
    const toUndo = stage.filter(
      ({ name, undoable }) => undoable && stateOf(record, name) === 'completed',
    );
    if (toUndo.length > 0) return { ...stay(record), back: toUndo.map(({ name }) => name) };
  }
  return stay({ ...record, status: 'compensated' });
}

function stay(record: WorkflowRecord): Course {
  return { record, forward: [], back: [], cancel: [] };
}

function stateOf(record: WorkflowRecord, name: string): MemberState | undefined {
  return record.members[name]?.state;
}

function isUnsettled(state: MemberState | undefined): boolean {
  return state === 'published' || state === 'in_doubt';
}

/** Whether there is anything to do that {@link advance} asks for. */
export function isMoving(before: WorkflowRecord, { record, forward, back }: Course): boolean {
  return record !== before || forward.length + back.length > 0;
}

/** Whether the workflow waits for what the member's operation comes to. */
export function isOpen({ state }: MemberProgress): boolean {
  return OPEN.has(state);
}

function parkedBy(record: WorkflowRecord, name: string): WorkflowRecord {
  const error = record.members[name]?.error ?? UNEXPLAINED;
  const parked = {
    code: 'compensation_failed',
    message: `The compensation of "${name}" failed for good (${error.code}: ${error.message}).`,
    retryable: false,
    over: [name],
  };
  return { ...record, status: 'parked', parked, parkedFrom: 'compensating' };
}

const UNEXPLAINED: RecordedError = {
  code: 'unexplained',
  message: 'The step failed without saying why.',
  retryable: false,
};
