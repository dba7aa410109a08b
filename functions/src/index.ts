/** What a step's author imports. Loads no store: that is the deployment's to choose. */
export { registerSteps } from './engine/register-steps.ts';
export type { Steps, Workflows } from './engine/register-steps.ts';
export { defineWorkflow, undoWith } from './engine/define-workflow.ts';
export type {
  AnyWorkflow,
  Compensation,
  MemberContext,
  MemberOptions,
  Workflow,
  WorkflowBuilder,
  WorkflowHead,
} from './engine/define-workflow.ts';
export { defineStep } from './engine/step.ts';
export type {
  AnyStep,
  FollowUp,
  ReconcileContext,
  Reconciliation,
  Step,
  StepContext,
  StepDefinition,
} from './engine/step.ts';

export { NotDone, RetryableError, TerminalError } from './operation/errors.ts';
export type { RecordedError } from './operation/errors.ts';
export type { Effect } from './operation/record.ts';
export type { TaskMessage } from './operation/task.ts';

export { defineRetention } from './retention/classes.ts';
export type { RetentionClass } from './retention/classes.ts';

export { makeTask, taskText } from './engine/tasks.ts';
export type { TaskOrigin } from './engine/tasks.ts';
export { makeTimedTask } from './engine/timed-task.ts';
export type { TimedOrigin } from './engine/timed-task.ts';
export { childToken, keyToken, parseNamespace, parseToken } from './token/token.ts';
export type { Namespace, Token } from './token/token.ts';
export { contextHash, requestHash } from './token/hash.ts';
export type { Context } from './token/hash.ts';
export { decodeCanonical, encodeCanonical } from './token/canonical.ts';

export { once } from './once.ts';
export type { OnceSurroundings } from './once.ts';
export { OnceRefused } from './engine/once.ts';
export type { OnceAnswer, OnceRequest } from './engine/once.ts';

export { httpRequestStep } from './steps/http-request.ts';
export type { HttpRequestOptions, HttpRequestResult } from './steps/http-request.ts';

export { defineEntity } from './engine/define-entity.ts';
export type { Entity, EntityDefinition, EntityKind } from './engine/define-entity.ts';
export { readState, stateHistory, updateState } from './engine/versioned-state.ts';
export type {
  HistoryEntry,
  StateRuntime,
  UnreadableVersion,
  UpdateOptions,
  Updated,
  VersionedValue,
} from './engine/versioned-state.ts';
export { defineEvents } from './engine/define-events.ts';
export type { EventOf, EventTypes, NewEventOf } from './engine/define-events.ts';
export { appendEvents, readEvents, replay } from './engine/event-log.ts';
export type { EventsAt, Replayed, SnapshotPolicy } from './engine/event-log.ts';
export { createLogicalClock } from './engine/logical-time.ts';
export type { LogicalClock, LogicalClockOptions } from './engine/logical-time.ts';
export { systemClock } from './adapters/system/clock.ts';
