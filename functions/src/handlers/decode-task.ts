import type { z } from 'zod';
import type { TaskMessage } from '../operation/task.ts';
import type { RawMessage } from '../ports/task-publisher.ts';
import { CanonicalError } from '../token/canonical.ts';
import { requestHash } from '../token/hash.ts';
import { keyToken } from '../token/token.ts';
import type { Namespace } from '../token/token.ts';
import { readFields } from './task-fields.ts';
import { taskSchema } from './task-schema.ts';
import type { TaskFields } from './task-schema.ts';

export type DecodedTask =
  | { readonly kind: 'task'; readonly task: TaskMessage }
  | { readonly kind: 'invalid'; readonly faults: readonly string[] };

/** How far a maker's clock may run ahead. A task from later on would outlive what is remembered of it. */
const AHEAD_MAX_MS = 86_400_000;

/**
 * A task from a message, in its full form or the short one: action, params and a key.
 *
 * Never throws: what can't be run is told fault by fault, each as `field: what is wrong`. The same
 * message decodes to the same token on every delivery, so no part of it comes from a clock:
 * `publishedAt`, Pub/Sub's own time of the message, stands in only for the time of making.
 */
export function decodeTask(
  message: RawMessage,
  namespace: Namespace,
  receivedAt: number,
  publishedAt: number = receivedAt,
): DecodedTask {
  const read = readFields(message);
  if (read.kind === 'invalid') return read;
  const parsed = taskSchema.safeParse(read.fields);
  const faults = [
    ...(parsed.error?.issues.map(faultOf) ?? []),
    ...identityFaults(read.fields),
    ...(parsed.data ? crossFaults(parsed.data, receivedAt) : []),
  ];
  if (!parsed.data || faults.length > 0) return { kind: 'invalid', faults };
  return complete(parsed.data, message.attributes, namespace, publishedAt);
}

function faultOf({ path, message }: z.core.$ZodIssue): string {
  return `${path.join('.')}: ${message}`;
}

/** Judged on the raw fields, so that it is told along with whatever else is wrong. */
function identityFaults({
  token,
  key,
  window,
  madeAt,
}: Readonly<Record<string, unknown>>): string[] {
  const faults: string[] = [];
  if (token === undefined && key === undefined) {
    faults.push(
      'key: a task needs a key, or a token made by its publisher; one made here from a clock would ' +
        'change with every delivery',
    );
  }
  if (token !== undefined && key !== undefined) {
    faults.push('key: give a key or a token, not both');
  }
  if (window !== undefined && token === undefined) {
    faults.push('window: needs the token that was made from it');
  }
  if (window !== undefined && madeAt === undefined) {
    faults.push('madeAt: must be given where there is a window');
  }
  return faults;
}

function crossFaults({ token, window, madeAt }: TaskFields, receivedAt: number): string[] {
  const faults: string[] = [];
  if (window) {
    const [previous, next] = window.neighbours;
    if (token?.startsWith('t1_') === false) {
      faults.push('window: only a token of the kind t1_ is made from a window');
    }
    if (previous === next || previous === token || next === token) {
      faults.push('window.neighbours: must be two tokens, neither of them the own one');
    }
  }
  if (madeAt !== undefined && madeAt > receivedAt + AHEAD_MAX_MS) {
    faults.push('madeAt: lies more than a day ahead; it is counted in milliseconds');
  }
  return faults;
}

function complete(
  fields: TaskFields,
  attributes: RawMessage['attributes'],
  namespace: Namespace,
  publishedAt: number,
): DecodedTask {
  const { key, traceparent: _, ...carried } = fields;
  const { action, params } = fields;
  const hash = hashOf(action, params);
  if (hash instanceof CanonicalError) {
    return { kind: 'invalid', faults: [`params: ${hash.message}`] };
  }
  if (fields.requestHash !== undefined && fields.requestHash !== hash) {
    const fault =
      'requestHash: is not of this action and these params; leave it out to have it computed';
    return { kind: 'invalid', faults: [fault] };
  }
  const agent = fields.agent ?? agentOf(attributes);
  if (agent === undefined) {
    return { kind: 'invalid', faults: ['agent: the attribute is not usable: 1 to 256 characters'] };
  }
  const token = fields.token ?? keyToken(namespace, key ?? '');
  const traceparent = traceparentOf(fields, attributes);
  const task: TaskMessage = {
    ...carried,
    params,
    token,
    requestHash: hash,
    agent,
    root: fields.root ?? token,
    path: fields.path ?? action,
    logicalTime: fields.logicalTime ?? 1,
    madeAt: fields.madeAt ?? Math.floor(publishedAt),
    ...(traceparent !== undefined && { traceparent }),
  };
  return { kind: 'task', task };
}

function hashOf(action: string, params: unknown): string | CanonicalError {
  try {
    return requestHash(action, params);
  } catch (error) {
    if (error instanceof CanonicalError) return error;
    throw error;
  }
}

function agentOf({ agent }: RawMessage['attributes']): string | undefined {
  if (agent === undefined) return 'unknown';
  const { success, data } = taskSchema.shape.agent.safeParse(agent);
  return success ? data : undefined;
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Pub/Sub's client libraries put theirs in the second attribute. A malformed one is as none: W3C says so. */
function traceparentOf(
  { traceparent }: TaskFields,
  attributes: RawMessage['attributes'],
): string | undefined {
  const offered = [traceparent, attributes['traceparent'], attributes['googclient_traceparent']];
  return offered.find((candidate) => candidate !== undefined && TRACEPARENT.test(candidate));
}
