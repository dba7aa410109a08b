import { StoreAway } from '../operation/errors.ts';
import type { WorkflowStore } from '../ports/workflow-store.ts';
import { shownToken } from '../token/token.ts';
import type { Namespace, Token } from '../token/token.ts';
import { isOpen } from '../workflow/advance.ts';
import type { ParkedReason, WorkflowRecord } from '../workflow/record.ts';
import { parked, reportParked } from './parked.ts';
import type { Runtime } from './runtime.ts';

const MAX_ROUNDS = 10;

/** A member whose operation, under this very token, its workflow waits for. */
export interface Awaited {
  readonly namespace: Namespace;
  readonly root: Token;
  readonly member: string;
  readonly token: Token;
}

/**
 * Parks a workflow for a person because of one of its members, if it still waits for that one. No sweep
 * looks at it then; a retry publishes again what is open.
 */
export async function parkOver(
  runtime: Pick<Runtime, 'telemetry'>,
  workflows: WorkflowStore,
  awaited: Awaited,
  why: ParkedReason,
): Promise<void> {
  const { namespace, root } = awaited;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const { found } = await workflows.get(namespace, root);
    if (!found || !isAwaited(found.record, awaited)) return;
    const { status, dueAt: _dueAt, ...rest } = found.record;
    if (status !== 'running' && status !== 'compensating') return;
    const record = parked({ ...rest, status }, why);
    const written = await workflows.write({ kind: 'move', revision: found.revision, record });
    if (written === 'written') return reportParked(runtime, record);
  }
  throw new StoreAway(`Workflow ${shownToken(root)} kept moving while it was parked. Ask again.`);
}

export function isAwaited(
  { members }: WorkflowRecord,
  { member, token }: Pick<Awaited, 'member' | 'token'>,
): boolean {
  const standing = members[member];
  return standing?.token === token && isOpen(standing);
}

/** For a member, or its compensation, under whose token another operation stands. */
export function takenByAnother(member: string, direction: 'forward' | 'back'): ParkedReason {
  const what = direction === 'back' ? `the compensation of "${member}"` : `step "${member}"`;
  const then =
    direction === 'back'
      ? `take "${member}" back by hand if that has not been done, and skip it`
      : 'cancel the workflow';
  return {
    code: 'mismatch',
    message: `The token of ${what} is used for another action. Look at that operation, then ${then}.`,
    retryable: false,
    over: [member],
  };
}
