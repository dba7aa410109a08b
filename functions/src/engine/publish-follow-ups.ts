import { z } from 'zod';
import type { StoredOutbox } from '../operation/record.ts';
import type { TaskMessage } from '../operation/task.ts';
import type { Claim } from '../ports/token-store.ts';
import { decodeCanonical, encodeCanonical } from '../token/canonical.ts';
import { packText } from './payload.ts';
import type { Owner } from './payload.ts';
import type { Runtime } from './runtime.ts';
import type { Steps } from './register-steps.ts';
import type { AnyStep, FollowUp } from './step.ts';
import { followUpTasks } from './tasks.ts';

/** What a result leads to: tasks, nothing, or `pending` where the step's `next` could not say. */
export type Following =
  | { readonly kind: 'tasks'; readonly tasks: readonly TaskMessage[] }
  | { readonly kind: 'pending'; readonly error: unknown };

/** The run that a result comes from, as far as its follow-ups depend on it. */
export interface Origin {
  readonly step: AnyStep;
  readonly params: unknown;
  /** What may follow. */
  readonly steps: Steps;
  readonly task: TaskMessage;
}

/** Derives the follow-ups. The effect is done by now, so a throwing `next` must not undo the result. */
export async function following(
  { steps, step, params }: Pick<Origin, 'steps' | 'step' | 'params'>,
  task: TaskMessage,
  result: unknown,
): Promise<Following> {
  try {
    const followUps = step.next?.(result, params) ?? [];
    await checkFollowUps(steps, followUps);
    const tasks = followUpTasks(task, followUps);
    encodeCanonical(tasks);
    return { kind: 'tasks', tasks };
  } catch (error) {
    return { kind: 'pending', error };
  }
}

/** An agent may decide as it goes, but only on steps that are registered, and on so many at once. */
const MAX_FOLLOW_UPS = 100;

async function checkFollowUps(steps: Steps, followUps: readonly FollowUp[]): Promise<void> {
  const faults: string[] = [];
  for (const { action, params } of followUps) {
    const step = steps.get(action);
    if (step) {
      const parsed: z.ZodSafeParseResult<unknown> = await step.params.safeParseAsync(params);
      if (!parsed.success) faults.push(`${action}: ${z.prettifyError(parsed.error)}`);
    } else faults.push(`${action}: no such step is registered`);
  }
  if (followUps.length > MAX_FOLLOW_UPS) {
    faults.push(`${followUps.length} follow-ups are more than ${MAX_FOLLOW_UPS}`);
  }
  if (faults.length > 0) {
    throw new RangeError(`What follows can't be run: ${faults.join('; ')}.`);
  }
}

export async function packOutbox(
  following: Following,
  { blobs }: Runtime,
  owner: Owner,
): Promise<StoredOutbox | undefined> {
  if (following.kind === 'pending') return { kind: 'pending' };
  if (following.tasks.length === 0) return undefined;
  return packText(encodeCanonical(following.tasks), blobs, owner);
}

export function outboxTasks(text: string): readonly TaskMessage[] {
  return decodeCanonical(text) as readonly TaskMessage[];
}

/** Publishes recorded follow-ups, then marks them. A crash in between publishes them again: harmless. */
export async function publishFollowUps(
  { publisher, store }: Runtime,
  tasks: readonly TaskMessage[],
  { namespace, token, revision }: Pick<Claim, 'namespace' | 'token' | 'revision'>,
): Promise<void> {
  if (tasks.length > 0) await publisher.publish(tasks);
  await store.markSent(namespace, token, revision);
}
