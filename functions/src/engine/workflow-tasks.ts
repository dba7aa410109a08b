import { StoreAway } from '../operation/errors.ts';
import type { OperationRecord, StoredValue } from '../operation/record.ts';
import type { TaskMessage, WorkflowPlace } from '../operation/task.ts';
import { requestHash } from '../token/hash.ts';
import { childToken, shownToken } from '../token/token.ts';
import type { Token } from '../token/token.ts';
import type { MemberProgress, WorkflowRecord } from '../workflow/record.ts';
import type { AnyWorkflow, Member } from './define-workflow.ts';
import { PayloadGone, unpackValue } from './payload.ts';
import { readCold } from './read-cold.ts';
import type { Runtime } from './runtime.ts';
import type { FollowUp } from './step.ts';

/** All that a member's params may be built from, decoded. */
export interface Known {
  readonly input: unknown;
  /** Reading one that can't be had throws `PayloadGone`: nobody else misses it. */
  readonly results: Readonly<Record<string, unknown>>;
}

/** A step's result that is not on record yet: it is about to be, in one commit with what is planned on it. */
export interface FreshResult {
  readonly name: string;
  readonly result: StoredValue;
}

/** The input and the results so far: from the workflow's document, larger ones from their operations. */
export async function knownOf(
  runtime: Runtime,
  record: WorkflowRecord,
  fresh?: FreshResult,
): Promise<Known> {
  const input = await unpackValue(record.input, runtime.blobs);
  const completed = Object.entries(record.members).filter(([, member]) => hasResult(member.state));
  const elsewhere = await resultsElsewhere(
    runtime,
    record,
    completed.filter(([name, { result }]) => result === undefined && name !== fresh?.name),
  );
  const results: Record<string, unknown> = {};
  for (const [name, { result }] of completed) {
    const stored = name === fresh?.name ? fresh.result : result;
    const get = await recalled(runtime, async () =>
      stored ? stored : resultOf(runtime, elsewhere.get(name), name, record.root),
    );
    Object.defineProperty(results, name, { get, enumerable: true });
  }
  return { input, results };
}

async function recalled(
  { blobs }: Runtime,
  find: () => Promise<StoredValue>,
): Promise<() => unknown> {
  try {
    const value = await unpackValue(await find(), blobs);
    return () => value;
  } catch (error) {
    if (!(error instanceof PayloadGone)) throw error;
    return () => {
      throw error;
    };
  }
}

async function resultsElsewhere(
  runtime: Runtime,
  { namespace }: WorkflowRecord,
  members: readonly (readonly [string, MemberProgress])[],
): Promise<ReadonlyMap<string, OperationRecord | undefined>> {
  if (members.length === 0) return new Map();
  const tokens = members.map(([, member]) => member.forward ?? member.token);
  const stored = await runtime.store.getMany(namespace, tokens);
  return new Map(members.map(([name], index) => [name, stored[index]?.record]));
}

function hasResult(state: string): boolean {
  return (
    state !== 'published' && state !== 'failed' && state !== 'cancelled' && state !== 'in_doubt'
  );
}

/** A step may be archived long before its workflow ends. */
async function resultOf(
  runtime: Runtime,
  standing: OperationRecord | undefined,
  name: string,
  root: Token,
): Promise<StoredValue> {
  const record = standing?.status === 'archived' ? await readCold(runtime, standing) : standing;
  if (record?.status === 'completed') return record.result;
  throw new StoreAway(
    `The result of step "${name}" of workflow ${shownToken(root)} is not in its operation ` +
      `(${record?.status ?? 'absent'}).`,
  );
}

/** What a workflow's tasks are made from. */
export interface TaskSource {
  readonly record: WorkflowRecord;
  readonly workflow: AnyWorkflow;
  readonly known: Known;
  /**
   * Store time. Each making dates a task anew: however old its workflow is by then, what nobody has
   * claimed is not forgotten.
   */
  readonly madeAt: number;
}

/** A member's task forward: the same but for its date, token included, whenever it is made again. */
export function forwardTask(source: TaskSource, member: Member): TaskMessage {
  return memberTask(source, member, 'forward', 0, {
    action: member.step.action,
    params: member.params(source.known),
  });
}

/** The task that undoes a completed member; `occurrence` counts the times a person asked to retry it. */
export function backTask(source: TaskSource, member: Member, occurrence: number): TaskMessage {
  const { compensate } = member;
  if (!compensate) throw new RangeError(`Step "${member.name}" has no compensation.`);
  const { input, results } = source.known;
  const context = {
    input,
    results,
    get result() {
      return results[member.name];
    },
  };
  return memberTask(source, member, 'back', occurrence, {
    action: compensate.step.action,
    params: compensate.params(context),
  });
}

function memberTask(
  { record, workflow, madeAt }: TaskSource,
  member: Member,
  direction: WorkflowPlace['direction'],
  occurrence: number,
  { action, params }: FollowUp,
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
    madeAt: Math.floor(madeAt),
    workflow: { name: workflow.name, version: workflow.version, member: member.name, direction },
    ...(record.traceparent !== undefined && { traceparent: record.traceparent }),
  };
}
