import type { RecordedError } from '../operation/errors.ts';
import type { RecordedOverride, StoredValue } from '../operation/record.ts';
import type { Namespace, Token } from '../token/token.ts';

/**
 * Where one step of a workflow stands. Forward: `published` until it is `completed`, `failed`,
 * `cancelled` before it began, or `in_doubt`. Back: `undoing` until `undone`, `undo_failed` or
 * `undo_in_doubt`; `skipped` by a person, who took the undoing on.
 */
export type MemberState =
  | 'published'
  | 'completed'
  | 'failed'
  | 'cancelled'
  | 'in_doubt'
  | 'undoing'
  | 'undone'
  | 'undo_failed'
  | 'undo_in_doubt'
  | 'skipped';

export interface MemberProgress {
  readonly state: MemberState;
  /** Of the operation that the state speaks of: the step's, or its compensation's. */
  readonly token: Token;
  /** Of the task that was published under the token: what cancels it needs no params then. */
  readonly requestHash?: string;
  /** The step's result if it is small; a larger one stays in its operation. */
  readonly result?: StoredValue;
  readonly error?: RecordedError;
  /** Store time by which the step must be claimed. */
  readonly deadlineAt?: number;
  /** Of the step's own operation, once `token` names its compensation. */
  readonly forward?: Token;
  /** How often a person asked for its compensation again. */
  readonly retries?: number;
}

/** Why a workflow stands still, and over which of its members. */
export interface ParkedReason extends RecordedError {
  readonly over?: readonly string[];
}

export type WorkflowStatus = 'running' | 'compensating' | 'completed' | 'compensated' | 'parked';

/** A workflow's progress: one document, its id made from the root token. */
export interface WorkflowRecord {
  readonly schema: 1;
  readonly namespace: Namespace;
  readonly root: Token;
  readonly name: string;
  /** The definition it was started under, and is finished under, whatever is deployed meanwhile. */
  readonly version: number;
  readonly agent: string;
  readonly status: WorkflowStatus;
  readonly input: StoredValue;
  /** The stage whose members are under way, from 0. */
  readonly stage: number;
  readonly members: Readonly<Record<string, MemberProgress>>;
  /** The centre of the workflow's logical time. */
  readonly logicalTime: number;
  readonly madeAt: number;
  readonly startedAt: number;
  /** For how long it is kept after its end: as long as any operation of it may be known. */
  readonly keptMs?: number;
  /** Store time, in milliseconds, from which it is forgotten. Only of one at its end. */
  readonly forgetAt?: number;
  /** Store time after which it is compensated. */
  readonly deadlineAt?: number;
  /** Store time at which a sweep should look at it again. */
  readonly dueAt?: number;
  readonly shard: number;
  /** Why it turned back. */
  readonly cause?: RecordedError;
  /** Why it stands still, for a person. */
  readonly parked?: ParkedReason;
  /** What it goes on as, once a person has dealt with it. */
  readonly parkedFrom?: 'running' | 'compensating';
  /** The last intervention by a person. */
  readonly steered?: RecordedOverride;
  /** Random, of the last move that noted one: how a move whose answer was lost is recognised. */
  readonly moveId?: string;
  readonly traceparent?: string;
  readonly contextHash?: string;
}

const KEPT_RESULT_BYTES = 16 * 1024;
/** With the input, and all that is noted of the members, this stays well below Firestore's 1 MiB. */
const KEPT_TOTAL_BYTES = 400 * 1024;

/**
 * Results up to this size are kept in the workflow's document as well, to spare reads: 16 KiB, less
 * where the workflow has so many members that all of their results would not fit.
 */
export function keptResultBytes(members: number): number {
  return Math.min(KEPT_RESULT_BYTES, Math.floor(KEPT_TOTAL_BYTES / members));
}

/** A workflow as read, with what a conditional write needs. */
export interface StoredWorkflow {
  readonly record: WorkflowRecord;
  readonly revision: string;
  readonly updatedAt: number;
}

/** Nothing of it is left to do, by anyone. */
export function isAtItsEnd({ status }: WorkflowRecord): boolean {
  return status === 'completed' || status === 'compensated';
}
