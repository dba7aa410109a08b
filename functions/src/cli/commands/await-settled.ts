import { isTerminal } from '../../operation/record.ts';
import type { StoredOperation } from '../../operation/record.ts';
import type { TaskMessage } from '../../operation/task.ts';
import type { Clock } from '../../ports/clock.ts';
import { sameWindow } from '../../token/window.ts';
import type { Answer, Context } from '../context.ts';
import { Failure } from '../failure.ts';
import { jsonOf, readPayload, shownPayload } from '../payload.ts';
import { duration } from '../times.ts';
import { shown } from './show.ts';

const FIRST_POLL_MS = 50;
const LONGEST_POLL_MS = 1_000;

/**
 * Polls a task's record until it is settled or in doubt, and answers its result. What is still
 * running when time is up goes on running.
 */
export async function awaitSettled(
  context: Context,
  task: TaskMessage,
  timeoutMs: number,
): Promise<Answer> {
  const { runtime, invocation, terminal } = context;
  const giveUpAt = runtime.clock.monotonic() + timeoutMs;
  for (let pause = FIRST_POLL_MS; ; pause = Math.min(LONGEST_POLL_MS, 2 * pause)) {
    const found = await ownOrNeighbour(context, task);
    if (found && found.record.requestHash !== task.requestHash) throw keyTaken(context, found);
    if (found && isTerminal(found.record)) return settled(context, found);
    if (found?.record.status === 'in_doubt') {
      return { ...(await shown(context, found)), exit: 'failed' };
    }
    if (runtime.clock.monotonic() + pause > giveUpAt || terminal.signal.aborted) {
      const state = found ? `still ${found.record.status}` : 'not claimed by anyone yet';
      throw new Failure(
        'failed',
        `${task.action} ${task.token} is ${state} after ${duration(timeoutMs)}.`,
        {
          advice: `It may yet run. See: ${invocation} show ${found?.record.token ?? task.token}`,
        },
      );
    }
    await passed(runtime.clock, pause, terminal.signal);
  }
}

/** A windowed task may have run under its neighbour's token. */
async function ownOrNeighbour(
  { runtime, namespace }: Context,
  { token, window, madeAt }: TaskMessage,
): Promise<StoredOperation | undefined> {
  if (!window) return runtime.store.get(namespace, token);
  const [own, ...others] = await runtime.store.getMany(namespace, [token, ...window.neighbours]);
  return (
    own ?? others.find((other) => other && sameWindow(other.record.madeAt, madeAt, window.lengthMs))
  );
}

function keyTaken({ invocation }: Context, { record }: StoredOperation): Failure {
  return new Failure(
    'refused',
    `The key belongs to another request: token ${record.token} was first used with other params.`,
    {
      advice: `The task goes to the dead letters. Use another --key, or see: ${invocation} show ${record.token}`,
    },
  );
}

async function settled(context: Context, found: StoredOperation): Promise<Answer> {
  const { record } = found;
  if (record.status !== 'completed') return { ...(await shown(context, found)), exit: 'failed' };
  const payload = await readPayload(record.result, context.runtime.blobs);
  const { token, action, status } = record;
  const result =
    payload.kind === 'gone' ? { gone: payload.why } : { result: jsonOf(payload.value) };
  return {
    kind: 'value',
    json: { action, token, status, ...result },
    text: `${action} is completed as ${token}:\n${shownPayload(payload)}`,
  };
}

function passed(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(ms, resolve);
  const stop = (): void => resolve();
  signal.addEventListener('abort', stop, { once: true });
  return promise.finally(() => {
    cancel();
    signal.removeEventListener('abort', stop);
  });
}
