import type { ClaimRequest } from '../operation/claim.ts';
import type { TaskMessage } from '../operation/task.ts';
import { decodeCanonical, encodeCanonical } from '../token/canonical.ts';
import { contextHash, requestHash } from '../token/hash.ts';
import type { Context } from '../token/hash.ts';
import { tick } from '../token/lamport.ts';
import { childToken, keyToken } from '../token/token.ts';
import type { Namespace, Token } from '../token/token.ts';
import { WINDOW_MS, windowedTokens } from '../token/window.ts';
import type { AnyStep, FollowUp } from './step.ts';

export interface TaskOrigin {
  readonly namespace: Namespace;
  /** The agent instance that asks. */
  readonly agent: string;
  /**
   * The caller's own key for this operation, the surest identity: an order's number, a request's id.
   * Without it, equal requests of one agent within five minutes are one operation.
   */
  readonly key?: string;
  /** Keeps equal requests of one agent apart where there is no key. Default `global`. */
  readonly scope?: string;
  readonly context?: Context;
  readonly logicalTime?: number;
  readonly traceparent?: string;
}

/** Makes the first task of a workflow: its token and hashes, once, to be carried from here on. */
export function makeTask(
  { action, params }: FollowUp,
  { namespace, agent, key, scope = 'global', context, logicalTime = 0, traceparent }: TaskOrigin,
  madeAt: number,
): TaskMessage {
  const hash = requestHash(action, params);
  const components = { namespace, scope, agent, action, requestHash: hash };
  const windowed = key === undefined ? windowedTokens(components, madeAt) : undefined;
  const token = windowed?.token ?? keyToken(namespace, key ?? '');
  return {
    schema: 'agent-once/task@1',
    action,
    params,
    token,
    requestHash: hash,
    ...(context && { contextHash: contextHash(context) }),
    agent,
    root: token,
    path: action,
    logicalTime: tick(logicalTime),
    madeAt,
    ...(windowed && { window: { neighbours: windowed.neighbours, lengthMs: WINDOW_MS } }),
    ...(traceparent !== undefined && { traceparent }),
  };
}

/**
 * The tasks that follow from a task's result. The same tasks, tokens included, whenever they are made
 * again: a child's token is its root's, its path and its place among equals.
 */
export function followUpTasks(parent: TaskMessage, followUps: readonly FollowUp[]): TaskMessage[] {
  const met = new Map<string, number>();
  return followUps.map(({ action, params }) => {
    const occurrence = met.get(action) ?? 0;
    met.set(action, occurrence + 1);
    const path = `${parent.path}/${action}`;
    return {
      schema: parent.schema,
      action,
      params,
      token: childToken(parent.root, path, occurrence),
      requestHash: requestHash(action, params),
      ...(parent.contextHash !== undefined && { contextHash: parent.contextHash }),
      agent: agentOf(action),
      root: parent.root,
      path: occurrence === 0 ? path : `${path}~${occurrence}`,
      logicalTime: tick(parent.logicalTime),
      madeAt: parent.madeAt,
      ...(parent.traceparent !== undefined && { traceparent: parent.traceparent }),
    };
  });
}

/** What an operation's record keeps of its task for good. */
export function factsOf(
  task: Omit<TaskMessage, 'params'>,
  namespace: Namespace,
  step: Pick<AnyStep, 'effect' | 'retention'>,
): ClaimRequest['facts'] {
  const { token, action, agent, root, path, logicalTime, madeAt, contextHash } = task;
  const { name, ttlMs, capMs, forgetMs } = step.retention;
  return {
    namespace,
    token,
    action,
    agent,
    root,
    path,
    logicalTime,
    madeAt,
    requestHash: task.requestHash,
    ...(contextHash !== undefined && { contextHash }),
    effect: step.effect,
    retention: { name, ttlMs, capMs, forgetMs },
  };
}

/** A windowed task may run under its neighbour's token; what follows from it then hangs on that one. */
export function underToken(task: TaskMessage, token: Token): TaskMessage {
  if (task.token === token) return task;
  return { ...task, token, root: task.root === task.token ? token : task.root };
}

/** By convention an action's first word names the agent that owns it. */
function agentOf(action: string): string {
  return action.split('.')[0] ?? action;
}

/** A task as text, lossless: what Pub/Sub carries and records store. */
export function taskText(task: TaskMessage): string {
  return encodeCanonical(task);
}

/** The inverse of {@link taskText}, for text that this system wrote. */
export function taskFromText(text: string): TaskMessage {
  return decodeCanonical(text) as TaskMessage;
}
