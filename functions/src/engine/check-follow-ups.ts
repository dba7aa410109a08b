import type { ClaimRequest } from '../operation/claim.ts';
import { recordedError, TerminalError } from '../operation/errors.ts';
import type { RecordedError } from '../operation/errors.ts';
import type { TaskMessage } from '../operation/task.ts';
import { CanonicalError, encodeCanonical } from '../token/canonical.ts';
import type { Namespace } from '../token/token.ts';
import { parseParams } from './param-faults.ts';
import type { Steps } from './register-steps.ts';
import type { AnyStep, FollowUp } from './step.ts';
import { factsOf, followUpTasks } from './tasks.ts';

/** An agent may decide as it goes, but only on so many steps at once. */
const MAX_FOLLOW_UPS = 100;

/** What nobody can run: recorded as an operation that has failed for good, instead of published. */
export interface RefusedFollowUp {
  readonly facts: ClaimRequest['facts'];
  readonly error: RecordedError;
}

export interface CheckedFollowUps {
  readonly tasks: readonly TaskMessage[];
  readonly refused: readonly RefusedFollowUp[];
}

/** The operation that they follow from. */
export interface Parent {
  readonly step: AnyStep;
  readonly task: TaskMessage;
  readonly namespace: Namespace;
}

/**
 * Makes the tasks that follow, but for those whose params their step does not take, or that can't be
 * written down. Too many are refused as a whole, under the first one's token: nobody could say which
 * hundred of them were meant.
 *
 * @throws {RangeError} naming the steps that are not registered: the next deploy may bring them
 */
export async function checkFollowUps(
  steps: Steps,
  parent: Parent,
  followUps: readonly FollowUp[],
): Promise<CheckedFollowUps> {
  const { length } = followUps;
  if (length > MAX_FOLLOW_UPS) {
    const fault = `${length} tasks at once are more than ${MAX_FOLLOW_UPS}, and none of them was published`;
    const first = await judgeAll(steps, followUps.slice(0, 1));
    return sorted(
      parent,
      first.map((each) => ({ ...each, faults: [fault] })),
    );
  }
  const missing = followUps.filter(({ action }) => !steps.has(action));
  if (missing.length > 0) throw notRegistered(parent, missing);
  return sorted(parent, await judgeAll(steps, followUps));
}

function notRegistered({ task }: Parent, missing: readonly FollowUp[]): RangeError {
  const actions = [...new Set(missing.map(({ action }) => action))].join(', ');
  return new RangeError(
    `What follows from ${task.action} can't be published: no step is registered here for ${actions}.`,
  );
}

interface Judged {
  /** With params that can be written down. */
  readonly followUp: FollowUp;
  /** Its own, where it has one. */
  readonly step: AnyStep | undefined;
  readonly faults: readonly string[];
}

function judgeAll(steps: Steps, followUps: readonly FollowUp[]): Promise<readonly Judged[]> {
  return Promise.all(followUps.map((each) => judge(steps.get(each.action), each)));
}

async function judge(step: AnyStep | undefined, followUp: FollowUp): Promise<Judged> {
  const { action, params } = followUp;
  const parsed = step && (await parseParams(step, params));
  const faults = parsed?.success === false ? parsed.faults : [];
  try {
    encodeCanonical([{ params }]);
    return { followUp, step, faults };
  } catch (error) {
    if (!(error instanceof CanonicalError)) throw error;
    const written = { action, params: null };
    return { followUp: written, step, faults: [...faults, `params: ${error.message}`] };
  }
}

/** Tasks are made of all of them, so that a refused one takes its own token, and no other's. */
function sorted(parent: Parent, judged: readonly Judged[]): CheckedFollowUps {
  const made = followUpTasks(
    parent.task,
    judged.map(({ followUp }) => followUp),
  );
  const tasks: TaskMessage[] = [];
  const refused: RefusedFollowUp[] = [];
  for (const [index, task] of made.entries()) {
    const { step, faults = [] } = judged[index] ?? {};
    if (faults.length === 0) tasks.push(task);
    else refused.push(refusal(parent, task, step, faults));
  }
  return { tasks, refused };
}

/** Kept as long as what it is an operation of; without a step of its own, as long as its parent. */
function refusal(
  { step, task: parent, namespace }: Parent,
  task: TaskMessage,
  own: AnyStep | undefined,
  faults: readonly string[],
): RefusedFollowUp {
  const message =
    `${parent.action} asked for it, and it was refused: ${faults.join('; ')}. ` +
    `Nothing of it was run. Mend what ${parent.action} asks for, then publish a task of your own.`;
  return {
    facts: factsOf(task, namespace, own ?? step),
    error: recordedError(new TerminalError('follow_up_refused', message)),
  };
}
