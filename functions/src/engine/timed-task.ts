import type { TaskMessage } from '../operation/task.ts';
import type { LogicalClock } from './logical-time.ts';
import type { FollowUp } from './step.ts';
import { makeTask, taskText } from './tasks.ts';
import type { TaskOrigin } from './tasks.ts';

export interface TimedOrigin extends Omit<TaskOrigin, 'key' | 'scope' | 'logicalTime'> {
  /** The instance that asks, and no other: two clocks that receive may come to one time. */
  readonly agent: string;
  /** The instance's own, over blocks of the same namespace. */
  readonly clock: LogicalClock;
  /**
   * Makes the task's text durable, and resolves once it is. After a crash that text is what is
   * published, as it stands.
   */
  keep(text: string): Promise<void>;
}

/**
 * Makes the first task of a workflow that has no key of its own: its token is made from the instance
 * and its logical time, so that each call is an operation of its own, however equal and close.
 *
 * Such a token can't be made again. The task is therefore answered, to be published, only once it is
 * kept; publishing what was kept, however often and by whomever, is one operation. Where `keep` throws,
 * that is thrown and nothing is to be published; whether the text was kept after all is for the caller to
 * find out, before the task is made anew under another token.
 *
 * @throws {StoreAway} where the clock needs a block, and its store does not answer
 */
export async function makeTimedTask(
  request: FollowUp,
  { clock, keep, ...origin }: TimedOrigin,
  madeAt: number,
): Promise<TaskMessage> {
  if (origin.agent === '') {
    throw new RangeError('A token from logical time needs the name of the instance that asks.');
  }
  const logicalTime = await clock.tick();
  const key = `logical time ${logicalTime} of ${origin.agent}`;
  const task = makeTask(request, { ...origin, key, logicalTime }, madeAt);
  await keep(taskText(task));
  return task;
}
