/** `agent-once/client`: the idempotency service, for programs that don't run as steps. */
export { createClient } from './client.ts';
export type { Client } from './client.ts';
export { googleIdentity } from './google-identity.ts';
export { ClaimLost, keepAlive } from './heartbeat.ts';
export type { Heartbeat } from './heartbeat.ts';
export { NotDone } from './not-done.ts';
export { OnceFailed, OnceUnknown } from './once.ts';
export type { OnceContext, OnceRequest, Reconciliation } from './once.ts';
export { ServiceAway, ServiceProblem } from './problem.ts';
export type { Problem } from './problem.ts';
export type {
  Event,
  NewEvent,
  StateAndEvents,
  StateVersion,
  StateWrite,
} from './state-and-events.ts';
export type { ClientOptions } from './transport.ts';
export type * from './types.ts';
