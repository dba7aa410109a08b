import type { Namespace, Token } from '../token/token.ts';

/**
 * A task as it travels. Token and hashes are made once, when the task is made, and carried; they
 * are never made again on the way.
 */
export interface TaskMessage {
  readonly schema: 'agent-once/task@1';
  readonly action: string;
  /** Decoded: may hold Date, bigint, bytes, Map and Set. */
  readonly params: unknown;
  readonly token: Token;
  readonly requestHash: string;
  readonly contextHash?: string;
  readonly agent: string;
  /** The token of the workflow's first task; its own, for that one. */
  readonly root: Token;
  /** From the root's action to this one, by `/`. */
  readonly path: string;
  readonly logicalTime: number;
  /** When it was made, by its maker's clock, in epoch milliseconds. */
  readonly madeAt: number;
  /** Present where the token was made from a time window. */
  readonly window?: { readonly neighbours: readonly [Token, Token]; readonly lengthMs: number };
  /** W3C trace context of the maker. */
  readonly traceparent?: string;
  /** Present where the task is a step of a workflow. */
  readonly workflow?: WorkflowPlace;
  /** Store time, in epoch milliseconds, by which it must be claimed to run at all. */
  readonly deadlineAt?: number;
}

/** Where a task stands in its workflow. */
export interface WorkflowPlace {
  readonly name: string;
  readonly version: number;
  readonly member: string;
  /** `back` for a compensation. */
  readonly direction: 'forward' | 'back';
}

/** One delivery of a task: what the engine is asked to do. */
export interface TaskDelivery {
  readonly task: TaskMessage;
  /** From the receiver's configuration, never from the message. */
  readonly namespace: Namespace;
  readonly messageId: string;
  /** Pub/Sub says that it delivered this message before. */
  readonly redelivery: boolean;
}
