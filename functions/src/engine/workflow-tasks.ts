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

/**
 * All that a member's params may be built from, decoded. Reading what can't be had throws `PayloadGone`:
 * nobody else misses it.
 */
export interface Known {
  readonly input: unknown;
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
  const input = await recalled(runtime, async () => record.input);
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
  return {
    get input() {
      return input();
    },
    results,
  };
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

/** A step may be archived long before its workflow ends, and forgotten. */
async function resultOf(
  runtime: Runtime,
  standing: OperationRecord | undefined,
  name: string,
  root: Token,
): Promise<StoredValue> {
  const record = standing?.status === 'archived' ? await readCold(runtime, standing) : standing;
  if (record?.status === 'completed') return record.result;
  throw new PayloadGone(
    `The result of step "${name}" of workflow ${shownToken(root)} is not in its operation ` +
      `(${record?.status ?? 'forgotten'}).`,
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
  return built(unbuiltTask(source, member, 'forward'), member.params(source.known));
}

/** The task that undoes a completed member; `occurrence` counts the times a person asked to retry it. */
export function backTask(source: TaskSource, member: Member, occurrence: number): TaskMessage {
  const { known } = source;
  const context = {
    get input() {
      return known.input;
    },
    results: known.results,
    get result() {
      return known.results[member.name];
    },
  };
  const task = unbuiltTask(source, member, 'back', occurrence);
  return built(task, member.compensate?.params(context));
}

/** A member's task but for its params, which not everybody who deals with it needs. */
export type UnbuiltTask = Omit<TaskMessage, 'params' | 'requestHash'>;

export function unbuiltTask(
  { record, workflow, madeAt }: Omit<TaskSource, 'known'>,
  member: Member,
  direction: WorkflowPlace['direction'],
  occurrence = 0,
): UnbuiltTask {
  const part = direction === 'back' ? member.compensate : member;
  if (!part) throw new RangeError(`Step "${member.name}" has no compensation.`);
  const { action } = part.step;
  const path = `${record.name}/${member.name}${direction === 'back' ? UNDOING : ''}`;
  return {
    schema: 'agent-once/task@1',
    action,
    token: childToken(record.root, path, occurrence),
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

/** In a compensation's path. No action holds a `~`, so no follow-up of its step has this path. */
const UNDOING = '~undo';

function built(task: UnbuiltTask, params: unknown): TaskMessage {
  return { ...task, params, requestHash: requestHash(task.action, params) };
}
