import { StoreAway } from '../operation/errors.ts';
import type { OperationRecord } from '../operation/record.ts';
import { isOpen, withNews } from '../workflow/advance.ts';
import type {
  MemberProgress,
  MemberState,
  StoredWorkflow,
  WorkflowRecord,
} from '../workflow/record.ts';
import { advanceWorkflow } from './advance-workflow.ts';
import type { WorkflowAt } from './advance-workflow.ts';
import { progressFrom } from './cancel-member.ts';
import type { AnyWorkflow } from './define-workflow.ts';
import { isBack, isOwn } from './member-step.ts';
import { PayloadGone } from './payload.ts';
import { readCold } from './read-cold.ts';
import type { Runtime } from './runtime.ts';
import { shownToken } from '../token/token.ts';

const MAX_ROUNDS = 10;

/** What stands under members' tokens, by the members' names. */
export type Standing = ReadonlyMap<string, OperationRecord>;

/**
 * Tells a workflow what its members' operations have come to, where it doesn't know yet, and moves it
 * on. Answers whether there was anything to tell, and else the workflow as it stands, if it does.
 */
export async function tell(
  runtime: Runtime,
  at: WorkflowAt,
  standing: Standing,
): Promise<{ readonly told: boolean; readonly found?: StoredWorkflow }> {
  const { workflows, workflow, namespace, root } = at;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const { found } = await workflows.get(namespace, root);
    if (!found) return { told: false };
    let { record } = found;
    for (const [name, operation] of standing) {
      const progress = await owedNews(runtime, workflow, record, name, operation);
      if (progress) record = withNews(record, { name, progress });
    }
    if (record === found.record) return { told: false, found };
    // Conditional, unlike a report under a claim: another may have told it, and it may be beyond that.
    const written = await workflows.write({ kind: 'move', revision: found.revision, record });
    if (written === 'written') {
      await advanceWorkflow(runtime, at);
      return { told: true };
    }
  }
  throw new StoreAway(
    `Workflow ${shownToken(root)} kept moving while it was told of a step. Ask again.`,
  );
}

/** The member's state by its operation, where the workflow doesn't know it yet. */
export async function owedNews(
  runtime: Runtime,
  workflow: AnyWorkflow,
  record: WorkflowRecord,
  name: string,
  operation: OperationRecord,
): Promise<MemberProgress | undefined> {
  const standing = record.members[name];
  if (standing?.token !== operation.token || !isOpen(standing)) return undefined;
  if (!isOwn(workflow, record, name, operation)) return undefined;
  const settled = progressFrom(workflow, operation);
  if (!settled || (settled.state === 'in_doubt' && isInDoubt(standing))) return undefined;
  const told = operation.status === 'archived' ? await fromCold() : settled;
  if (!isBack(standing)) return told;
  const { token, error } = told;
  const state = takenBackAs(told.state);
  return { ...standing, state, token, ...(error && { error }) };

  /** The stub tells how it ended; the rest lies in cold storage, if it still does. */
  async function fromCold(): Promise<MemberProgress> {
    const stub = settled as MemberProgress;
    if (operation.status !== 'archived') return stub;
    try {
      return progressFrom(workflow, await readCold(runtime, operation)) ?? stub;
    } catch (error) {
      if (error instanceof PayloadGone) return stub;
      throw error;
    }
  }
}

function isInDoubt({ state }: MemberProgress): boolean {
  return state === 'in_doubt' || state === 'undo_in_doubt';
}

/** What a compensation's own outcome says of its member. Nothing but a person's skip cancels one. */
function takenBackAs(outcome: MemberState): MemberState {
  switch (outcome) {
    case 'completed':
      return 'undone';
    case 'in_doubt':
      return 'undo_in_doubt';
    case 'cancelled':
      return 'skipped';
    default:
      return 'undo_failed';
  }
}
