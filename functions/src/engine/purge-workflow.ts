import { StoreAway } from '../operation/errors.ts';
import type { OperationRecord } from '../operation/record.ts';
import { shownToken } from '../token/token.ts';
import type { Token } from '../token/token.ts';
import type { MemberProgress, WorkflowRecord } from '../workflow/record.ts';
import type { Runtime } from './runtime.ts';

const MAX_ROUNDS = 10;

/**
 * Takes what a workflow keeps of a purged operation out of its document as well: its step's result or
 * error, and the input where the operation is the one that began it. Steps yet to come whose params need that can't
 * be built then, and park the workflow. May be repeated.
 */
export async function purgeFromWorkflow(
  { store: { workflows }, blobs }: Pick<Runtime, 'store' | 'blobs'>,
  { namespace, root, token }: OperationRecord,
): Promise<void> {
  if (!workflows) return;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const { found } = await workflows.get(namespace, root);
    if (!found) return;
    const { record, revision } = found;
    const purged = withoutCopies(record, token);
    if (!purged) return;
    // Before the name is lost with the input.
    if (token === root && record.input.kind === 'blob') await blobs.delete(record.input.name);
    const answer = await workflows.write({ kind: 'move', revision, record: purged });
    if (answer === 'written') return;
  }
  throw new StoreAway(
    `Workflow ${shownToken(root)} kept moving while a payload was being purged from it. Purge again.`,
  );
}

/** `undefined` where the workflow has no copy of the operation's payloads. */
function withoutCopies(record: WorkflowRecord, token: Token): WorkflowRecord | undefined {
  const { root, input, members, cause } = record;
  const ofInput = root === token && input.kind !== 'purged';
  const copies = Object.entries(members).filter(([, member]) => keepsOf(member, token));
  if (!ofInput && copies.length === 0) return undefined;
  const isToldAgain = copies.some(([, { error }]) => error && error.message === cause?.message);
  return {
    ...record,
    ...(ofInput && { input: PURGED }),
    ...(cause && isToldAgain && { cause: { ...cause, message: PURGED.kind } }),
    members: {
      ...members,
      ...Object.fromEntries(copies.map(([name, member]) => [name, emptied(member)])),
    },
  };
}

const PURGED = { kind: 'purged' } as const;

function keepsOf({ token, forward = token, result, error }: MemberProgress, of: Token): boolean {
  if (forward !== of) return false;
  return (
    (result && result.kind !== 'purged') || (error !== undefined && error.message !== 'purged')
  );
}

function emptied({ result, error, ...member }: MemberProgress): MemberProgress {
  return {
    ...member,
    ...(result && { result: PURGED }),
    ...(error && { error: { ...error, message: PURGED.kind } }),
  };
}
