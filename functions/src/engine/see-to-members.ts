import { isTerminal } from '../operation/record.ts';
import type { OperationRecord } from '../operation/record.ts';
import { isOpen } from '../workflow/advance.ts';
import type { MemberProgress, WorkflowRecord } from '../workflow/record.ts';
import type { WorkflowAt } from './advance-workflow.ts';
import { isOwn } from './member-step.ts';
import { tell } from './owed-news.ts';
import { parkOver, takenByAnother } from './park-workflow.ts';
import { memberOf } from './plan-move.ts';
import type { Runtime } from './runtime.ts';
import { backTask, forwardTask, knownOf } from './workflow-tasks.ts';

type Named = readonly [name: string, member: MemberProgress];

export interface SeenTo {
  /** The workflow learnt what a step has come to, and was moved on or parked. */
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
    if (operation && isTerminal(operation)) settled.set(name, operation);
  }
  if (settled.size > 0 && (await learn(runtime, at, record, settled))) {
    return { told: true, republished: 0 };
  }
  const missing = open.filter(
    ([, member], index) => found[index] === undefined && isWanted(record, member),
  );
  return { told: false, republished: await publishAgain(runtime, at, record, missing) };
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
    await parkOver(runtime, workflows, { namespace, root, member, token }, takenByAnother(member));
    return true;
  }
  return (await tell(runtime, at, settled)).told;
}

/** A step that a workflow has turned back from is not wanted any more: nothing starts it again. */
function isWanted({ status }: WorkflowRecord, { state }: MemberProgress): boolean {
  return state === 'undoing' || (state === 'published' && status === 'running');
}

async function publishAgain(
  runtime: Runtime,
  { workflow }: WorkflowAt,
  record: WorkflowRecord,
  missing: readonly Named[],
): Promise<number> {
  if (missing.length === 0) return 0;
  const known = await knownOf(runtime, record);
  const source = { record, workflow, known, madeAt: runtime.store.now() };
  const tasks = missing.map(([name, { state, retries = 0, deadlineAt }]) => {
    const member = memberOf(workflow, name);
    if (state === 'undoing') return backTask(source, member, retries);
    const task = forwardTask(source, member);
    return deadlineAt === undefined ? task : { ...task, deadlineAt };
  });
  await runtime.publisher.publish(tasks);
  return tasks.length;
}
