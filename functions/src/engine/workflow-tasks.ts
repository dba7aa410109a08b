import { StoreAway } from '../operation/errors.ts';
import type { OperationRecord, StoredValue } from '../operation/record.ts';
import type { TaskMessage, WorkflowPlace } from '../operation/task.ts';
import { requestHash } from '../token/hash.ts';
import { childToken } from '../token/token.ts';
import type { Token } from '../token/token.ts';
import type { MemberProgress, WorkflowRecord } from '../workflow/record.ts';
import type { AnyWorkflow, Member } from './define-workflow.ts';
import { PayloadGone, unpackValue } from './payload.ts';
import type { Runtime } from './runtime.ts';

/** All that a member's params may be built from, decoded. */
export interface Known {
  readonly input: unknown;
  /** Reading one that can't be had throws `PayloadGone`: nobody else misses it. */
  readonly results: Readonly<Record<string, unknown>>;
}

/** The input and the results so far: from the workflow's document, larger ones from their operations. */
export async function knownOf(runtime: Runtime, record: WorkflowRecord): Promise<Known> {
  const input = await unpackValue(record.input, runtime.blobs);
  const completed = Object.entries(record.members).filter(([, member]) => hasResult(member.state));
  const elsewhere = await resultsElsewhere(
    runtime,
    record,
    completed.filter(([, member]) => member.result === undefined),
  );
  const results: Record<string, unknown> = {};
  for (const [name, { result }] of completed) {
    const stored = result ?? resultOf(elsewhere.get(name), name, record.root);
    const get = await recalled(runtime, stored);
    Object.defineProperty(results, name, { get, enumerable: true });
  }
  return { input, results };
}

async function recalled({ blobs }: Runtime, stored: StoredValue): Promise<() => unknown> {
  try {
    const value = await unpackValue(stored, blobs);
    return () => value;
  } catch (error) {
    if (!(error instanceof PayloadGone)) throw error;
    return () => {
      throw error;
    };
  }
}

async function resultsElsewhere(
  { store }: Runtime,
  { namespace }: WorkflowRecord,
  members: readonly (readonly [string, MemberProgress])[],
): Promise<ReadonlyMap<string, OperationRecord | undefined>> {
  if (members.length === 0) return new Map();
  const tokens = members.map(([, member]) => member.forward ?? member.token);
  const stored = await store.getMany(namespace, tokens);
  return new Map(members.map(([name], index) => [name, stored[index]?.record]));
}

function hasResult(state: string): boolean {
  return (
    state !== 'published' && state !== 'failed' && state !== 'cancelled' && state !== 'in_doubt'
  );
}

function resultOf(record: OperationRecord | undefined, name: string, root: Token): StoredValue {
  if (record?.status === 'completed') return record.result;
  throw new StoreAway(
    `The result of step "${name}" of workflow ${root} is not in its operation (${record?.status ?? 'absent'}).`,
  );
}

/** A member's task forward: the same, token included, whenever it is made again. */
export function forwardTask(
  record: WorkflowRecord,
  workflow: AnyWorkflow,
  member: Member,
  known: Known,
): TaskMessage {
  return memberTask(
    record,
    workflow,
    member,
    'forward',
    0,
    member.step.action,
    member.params(known),
  );
}

/** The task that undoes a completed member; `occurrence` counts the times a person asked to retry it. */
export function backTask(
  record: WorkflowRecord,
  workflow: AnyWorkflow,
  member: Member,
  known: Known,
  occurrence: number,
): TaskMessage {
  const { compensate } = member;
  if (!compensate) throw new RangeError(`Step "${member.name}" has no compensation.`);
  const { input, results } = known;
  const context = {
    input,
    results,
    get result() {
      return results[member.name];
    },
  };
  const params = compensate.params(context);
  return memberTask(record, workflow, member, 'back', occurrence, compensate.step.action, params);
}

function memberTask(
  record: WorkflowRecord,
  workflow: AnyWorkflow,
  member: Member,
  direction: WorkflowPlace['direction'],
  occurrence: number,
  action: string,
  params: unknown,
): TaskMessage {
  const path = `${record.name}/${member.name}${direction === 'back' ? '/undo' : ''}`;
  return {
    schema: 'agent-once/task@1',
    action,
    params,
    token: childToken(record.root, path, occurrence),
    requestHash: requestHash(action, params),
    ...(record.contextHash !== undefined && { contextHash: record.contextHash }),
    agent: action.split('.')[0] ?? action,
    root: record.root,
    path,
    logicalTime: record.logicalTime,
    madeAt: record.madeAt,
    workflow: { name: workflow.name, version: workflow.version, member: member.name, direction },
    ...(record.traceparent !== undefined && { traceparent: record.traceparent }),
  };
}
