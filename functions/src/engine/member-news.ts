import type { Conclusion } from '../operation/conclusion.ts';
import type { StoredValue } from '../operation/record.ts';
import type { WorkflowPlace } from '../operation/task.ts';
import type { Token } from '../token/token.ts';
import { keptResultBytes } from '../workflow/record.ts';
import type { MemberProgress, MemberState } from '../workflow/record.ts';
import type { AnyWorkflow } from './define-workflow.ts';

/** What of a workflow's definition its records depend on. */
type Shape = Pick<AnyWorkflow, 'stages'>;

/** What a run's conclusion says of its member; `undefined` where the step is to be tried again. */
export function newsFrom(
  workflow: Shape,
  place: WorkflowPlace,
  token: Token,
  conclusion: Exclude<Conclusion, { kind: 'lost' }>,
  result: StoredValue | undefined,
  standing: MemberProgress | undefined,
): MemberProgress | undefined {
  const back = place.direction === 'back';
  const carried = back ? carriedBack(standing) : {};
  switch (conclusion.kind) {
    case 'done':
      return back
        ? { state: 'undone', token, ...carried }
        : { state: 'completed', token, ...keptResult(workflow, result) };
    case 'failed':
      return settled(back ? 'undo_failed' : 'failed');
    case 'doubt':
      return settled(back ? 'undo_in_doubt' : 'in_doubt');
    case 'again':
      return undefined;
  }

  function settled(state: MemberState): MemberProgress {
    const { error } = conclusion as { error: NonNullable<MemberProgress['error']> };
    return { state, token, error, ...carried };
  }
}

/** Small results are kept in the workflow as well; the others are read from their operation. */
export function keptResult(
  { stages }: Shape,
  result: StoredValue | undefined,
): { result?: StoredValue } {
  if (!result) return {};
  const limit = keptResultBytes(stages.flat().length);
  const small = result.kind !== 'inline' || Buffer.byteLength(result.text) <= limit;
  return small ? { result } : {};
}

function carriedBack(standing: MemberProgress | undefined): Partial<MemberProgress> {
  if (!standing) return {};
  const { forward, result, retries } = standing;
  return {
    ...(forward !== undefined && { forward }),
    ...(result && { result }),
    ...(retries !== undefined && { retries }),
  };
}
