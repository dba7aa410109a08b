import type { StoredOutbox } from '../operation/record.ts';
import type { TaskMessage } from '../operation/task.ts';
import type { Claim } from '../ports/token-store.ts';
import { decodeCanonical, encodeCanonical } from '../token/canonical.ts';
import { packText, unpackText } from './payload.ts';
import type { Runtime } from './runtime.ts';
import type { AnyStep } from './step.ts';
import { followUpTasks } from './tasks.ts';

/** What a result leads to: tasks, nothing, or `pending` where the step's `next` could not say. */
export type Following =
  | { readonly kind: 'tasks'; readonly tasks: readonly TaskMessage[] }
  | { readonly kind: 'pending'; readonly error: unknown };

/** Derives the follow-ups. The effect is done by now, so a throwing `next` must not undo the result. */
export function following(
  step: AnyStep,
  task: TaskMessage,
  params: unknown,
  result: unknown,
): Following {
  try {
    const followUps = step.next?.(result, params) ?? [];
    const tasks = followUpTasks(task, followUps);
    encodeCanonical(tasks);
    return { kind: 'tasks', tasks };
  } catch (error) {
    return { kind: 'pending', error };
  }
}

export async function packOutbox(
  following: Following,
  { blobs }: Runtime,
): Promise<StoredOutbox | undefined> {
  if (following.kind === 'pending') return { kind: 'pending' };
  if (following.tasks.length === 0) return undefined;
  return packText(encodeCanonical(following.tasks), blobs);
}

export async function unpackOutbox(
  outbox: Exclude<StoredOutbox, { kind: 'pending' }>,
  { blobs }: Runtime,
): Promise<readonly TaskMessage[]> {
  return decodeCanonical(await unpackText(outbox, blobs)) as readonly TaskMessage[];
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
