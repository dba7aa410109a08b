import { isTerminal } from '../operation/record.ts';
import type { OperationRecord } from '../operation/record.ts';
import type { TaskMessage } from '../operation/task.ts';
import type { Token } from '../token/token.ts';
import { isOpen } from '../workflow/advance.ts';
import type { MemberProgress, WorkflowRecord } from '../workflow/record.ts';
import type { WorkflowAt } from './advance-workflow.ts';
import { isBack, isOwn } from './member-step.ts';
import { tell } from './owed-news.ts';
import { parkOver, takenByAnother } from './park-workflow.ts';
import { unbuildable, unmadeParams } from './parked.ts';
import type { Unmade } from './parked.ts';
import { memberOf } from './plan-move.ts';
import type { Runtime } from './runtime.ts';
import { backTask, forwardTask, knownOf } from './workflow-tasks.ts';
import type { TaskSource } from './workflow-tasks.ts';

type Named = readonly [name: string, member: MemberProgress];

export interface SeenTo {
  /** The workflow learnt what a step has come to, or that it can't be made again: it was moved on or parked. */
  readonly told: boolean;
  /** Tasks published again. */
  readonly republished: number;
}

/**
 * Looks what has become of a workflow's open members. One may have settled where its workflow's version
 * was not deployed, or by a person's word: the workflow is told. One that nobody has claimed may never
 * have been published: it is published again, forward only while the workflow goes forward.
 */
export async function seeToMembers(
  runtime: Runtime,
  at: WorkflowAt,
  record: WorkflowRecord,
): Promise<SeenTo> {
  const open = Object.entries(record.members).filter(([, member]) => isOpen(member));
  if (open.length === 0) return { told: false, republished: 0 };
  const found = await runtime.store.getMany(
    at.namespace,
    open.map(([, { token }]) => token),
  );
  const settled = new Map<string, OperationRecord>();
  for (const [index, [name]] of open.entries()) {
    const operation = found[index]?.record;
    if (operation && hasNews(operation)) settled.set(name, operation);
  }
  if (settled.size > 0 && (await learn(runtime, at, record, settled))) {
    return { told: true, republished: 0 };
  }
  const missing = open.filter(
    ([, member], index) => found[index] === undefined && isWanted(record, member),
  );
  return publishAgain(runtime, at, record, missing);
}

/** Settled, or in doubt: a lease that lapsed after its start leaves nobody else to say so. */
function hasNews(operation: OperationRecord): boolean {
  return isTerminal(operation) || operation.status === 'in_doubt';
}

async function learn(
  runtime: Runtime,
  at: WorkflowAt,
  record: WorkflowRecord,
  settled: ReadonlyMap<string, OperationRecord>,
): Promise<boolean> {
  const { workflows, workflow, namespace, root } = at;
  const foreign = [...settled].find(([name, each]) => !isOwn(workflow, record, name, each));
  if (foreign) {
    const [member, { token }] = foreign;
    const standing = record.members[member];
    const why = takenByAnother(member, standing && isBack(standing) ? 'back' : 'forward');
    await parkOver(runtime, workflows, { namespace, root, member, token }, why);
    return true;
  }
  return (await tell(runtime, at, settled)).told;
}

/** A step that a workflow has turned back from is not wanted any more: nothing starts it again. */
function isWanted({ status }: WorkflowRecord, { state }: MemberProgress): boolean {
  return state === 'undoing' || (state === 'published' && status === 'running');
}

/** Parks the workflow over those that can't be made again: nobody but a person gets on from there. */
async function publishAgain(
  runtime: Runtime,
  at: WorkflowAt,
  record: WorkflowRecord,
  missing: readonly Named[],
): Promise<SeenTo> {
  if (missing.length === 0) return { told: false, republished: 0 };
  const { workflows, workflow, namespace, root } = at;
  const known = await knownOf(runtime, record);
  const source = { record, workflow, known, madeAt: runtime.store.now() };
  const tasks: TaskMessage[] = [];
  const unmade: (Unmade & { readonly token: Token })[] = [];
  for (const [name, standing] of missing) {
    try {
      tasks.push(madeAgain(source, name, standing));
    } catch (error) {
      unmade.push({ ...unbuildable(name, error), token: standing.token });
    }
  }
  if (tasks.length > 0) await runtime.publisher.publish(tasks);
  const [first] = unmade;
  if (first) {
    const awaited = { namespace, root, member: first.member, token: first.token };
    await parkOver(runtime, workflows, awaited, unmadeParams(unmade));
  }
  return { told: first !== undefined, republished: tasks.length };
}

/** Under the token, and with the deadline, that the workflow has noted. */
function madeAgain(
  source: TaskSource,
  name: string,
  { state, token, retries = 0, deadlineAt }: MemberProgress,
): TaskMessage {
  const member = memberOf(source.workflow, name);
  const task =
    state === 'undoing' ? backTask(source, member, retries) : forwardTask(source, member);
  return { ...task, token, ...(deadlineAt !== undefined && { deadlineAt }) };
}
