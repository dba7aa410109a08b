import { recordedError } from '../operation/errors.ts';
import type { WorkflowStore } from '../ports/workflow-store.ts';
import type { StoredWorkflow } from '../workflow/record.ts';
import { advanceWorkflow } from './advance-workflow.ts';
import { dueOnes } from './due-ones.ts';
import type { SweepOptions } from './due-ones.ts';
import { parked, reportParked } from './parked.ts';
import { isUnderWay, REDRIVE_AFTER_MS } from './plan-move.ts';
import type { Steps } from './register-steps.ts';
import type { Runtime } from './runtime.ts';
import { seeToMembers } from './see-to-members.ts';

export interface WorkflowSweepReport {
  /** Moved on, turned back at their deadline, or parked. */
  readonly moved: number;
  /** Tasks published again that nobody had claimed. */
  readonly republished: number;
  readonly failed: number;
}

/**
 * Looks after the workflows of one shard whose time has come: moves on what can move, turns back what
 * is past its deadline, tells them of steps that have settled without them, publishes again what may
 * never have been published. What can't be looked after is tried ever more rarely, and keeps nothing else
 * from its turn. Safe to run twice at once.
 */
export async function sweepWorkflows(
  runtime: Runtime,
  steps: Steps,
  options: SweepOptions,
): Promise<WorkflowSweepReport> {
  const { workflows } = runtime.store;
  if (!workflows) return { moved: 0, republished: 0, failed: 0 };
  const due = dueOnes(runtime, options, async (page) => {
    const { workflows: found, next } = await workflows.due(options.shard, page);
    return { due: found, next };
  });
  let [moved, republished, failed] = [0, 0, 0];
  for await (const found of due) {
    try {
      const done = await lookAfter(runtime, workflows, steps, found);
      if (done.moved) moved += 1;
      republished += done.republished;
    } catch (error) {
      failed += 1;
      runtime.telemetry.event('ERROR', 'An overdue workflow could not be looked after', {
        workflow: found.record.name,
        error: recordedError(error),
      });
    }
  }
  return { moved, republished, failed };
}

async function lookAfter(
  runtime: Runtime,
  workflows: WorkflowStore,
  steps: Steps,
  { record, revision }: StoredWorkflow,
): Promise<{ moved: boolean; republished: number }> {
  const { namespace, root, name, version } = record;
  const workflow = steps.workflows.pinned(name, version);
  if (!workflow) {
    const next = parked(record, notDeployed(steps, name, version));
    reportParked(runtime, next);
    await workflows.write({ kind: 'move', revision, record: withoutDue(next) });
    return { moved: true, republished: 0 };
  }
  const at = { workflows, workflow, namespace, root };
  const after = await advanceWorkflow(runtime, at);
  // Logical time tells whether that has made, and published, the tasks which are open now.
  if (after.logicalTime !== record.logicalTime) return { moved: true, republished: 0 };
  const { told, republished } = await seeToMembers(runtime, at, after);
  await lookAgainLater(runtime, workflows, record);
  return { moved: told || after.status !== record.status, republished };
}

/** Moves the time of the next look on; if the workflow has moved meanwhile, that has set it already. */
async function lookAgainLater(
  runtime: Runtime,
  workflows: WorkflowStore,
  { namespace, root }: StoredWorkflow['record'],
): Promise<void> {
  const { found, at } = await workflows.get(namespace, root);
  if (!found || found.record.dueAt === undefined || found.record.dueAt > at) return;
  const { record, revision } = found;
  if (!isUnderWay(record)) {
    await workflows.write({ kind: 'move', revision, record: withoutDue(record) });
    return;
  }
  const soon = Math.ceil(at + REDRIVE_AFTER_MS);
  const upcoming = record.deadlineAt !== undefined && record.deadlineAt > at;
  const dueAt = upcoming ? Math.min(soon, record.deadlineAt ?? soon) : soon;
  await workflows.write({ kind: 'move', revision, record: { ...record, dueAt } });
}

function withoutDue(record: StoredWorkflow['record']): StoredWorkflow['record'] {
  const { dueAt: _dueAt, ...rest } = record;
  return rest;
}

/** For a workflow whose definition this deployment lacks. */
export function notDeployed(steps: Steps, name: string, version: number) {
  const versions = steps.workflows.versions(name);
  const deployed = versions.length === 0 ? 'no version of it' : `v${versions.join(', v')}`;
  return {
    code: 'version_not_deployed',
    message:
      `${name} v${version} is not deployed; this deployment has ${deployed}. ` +
      'Deploy it again beside the newer one, then retry the workflow.',
    retryable: false,
  };
}
