import type { CompletedRecord, StoredOperation, TerminalRecord } from '../operation/record.ts';
import { catchUp } from './catch-up.ts';
import type { TimedAnswer } from './claim-token.ts';
import { discardUnnamed, textIfNamed } from './discard-blobs.ts';
import { keepLonger } from './keep-longer.ts';
import { MESSAGE_HOLDER } from './outcome.ts';
import type { ReplayedAnswer, TaskOutcome } from './outcome.ts';
import { unpackValue } from './payload.ts';
import { following, outboxTasks, publishFollowUps } from './publish-follow-ups.ts';
import type { Origin } from './publish-follow-ups.ts';
import { readCold } from './read-cold.ts';
import type { Runtime } from './runtime.ts';
import { underToken } from './tasks.ts';
import { within } from './within.ts';

/** Answers a request whose token someone has already: never runs an effect. */
export async function answerDuplicate(
  runtime: Runtime,
  answer: Exclude<TimedAnswer, { kind: 'claimed' }>,
  holder: string,
  origin: Origin | undefined,
): Promise<TaskOutcome> {
  switch (answer.kind) {
    case 'replayed':
      return replay(runtime, answer, origin);
    case 'cancelled':
      if (!answer.remembered) runtime.cache.admit(answer.found);
      return { kind: 'cancelled', reason: reasonOf(answer.found.record) };
    case 'inFlight': {
      const elsewhere = answer.holder !== holder && answer.holder.startsWith(MESSAGE_HOLDER);
      const retryAfterMs = Math.max(1, Math.ceil(answer.forMs));
      return { kind: elsewhere ? 'in_flight_elsewhere' : 'in_flight_here', retryAfterMs };
    }
    case 'inDoubt':
      return { kind: 'in_doubt', error: answer.found.record.error, fresh: answer.fresh };
    case 'mismatch':
      return { kind: 'mismatch', faults: [MISMATCHES[answer.part]] };
    case 'expired':
      return {
        kind: 'expired',
        faults: ['madeAt: older than records are kept, so whether it ran can no longer be known'],
      };
  }
}

const MISMATCHES = {
  request: 'token: already used for a request with another action or other params',
  context:
    'contextHash: the recorded result is from another context, and this step is strict about it',
} as const;

async function replay(
  runtime: Runtime,
  { found, drift, remembered, askedAt }: Extract<TimedAnswer, { kind: 'replayed' }>,
  origin: Origin | undefined,
): Promise<TaskOutcome> {
  const { record } = found;
  const { clock, limits } = runtime;
  const leftMs = limits.claimAnswerMs - (clock.monotonic() - askedAt);
  if (origin) await within(clock, leftMs, payDebts(runtime, found, origin, remembered));
  const kept = await keepLonger(runtime, found);
  if (!remembered || kept !== found) runtime.cache.admit(kept);
  return { kind: 'replayed', token: record.token, answer: answerOf(record), drift };
}

/** What a crash may have come before: its follow-ups' publishing, its workflow's next move. */
async function payDebts(
  runtime: Runtime,
  found: StoredOperation<TerminalRecord>,
  origin: Origin,
  remembered: boolean,
): Promise<void> {
  const { record } = found;
  if (record.status === 'completed' && !record.sent) {
    await publishUnsent(runtime, { ...found, record }, origin);
  }
  if (!remembered) {
    await catchUp(runtime, origin.steps, underToken(origin.task, record.token), record);
  }
}

/** A crash came between the record and its follow-ups: publish them now, from the record. */
export async function publishUnsent(
  runtime: Runtime,
  { record, revision }: StoredOperation<CompletedRecord>,
  origin: Origin | undefined,
): Promise<void> {
  const { outbox, namespace, token } = record;
  const at = { namespace, token, revision };
  if (outbox === undefined) return runtime.store.markSent(namespace, token, revision);
  if (outbox.kind !== 'pending') {
    const text = await textIfNamed(runtime, at, outbox);
    if (text === undefined) return;
    await publishFollowUps(runtime, outboxTasks(text), at);
    return discardUnnamed(runtime, at, [outbox]);
  }
  if (!origin) return;
  const result = await unpackValue(record.result, runtime.blobs);
  const task = underToken(origin.task, token);
  const follows = await following(origin, task, result);
  if (follows.kind === 'pending') throw follows.error;
  await publishFollowUps(runtime, follows.tasks, at);
}

/** What a caller that wants the value itself is given: for an archived operation, from cold storage. */
export async function recordedAnswer(
  runtime: Runtime,
  answer: ReplayedAnswer,
): Promise<Exclude<ReplayedAnswer, { kind: 'archived' }>> {
  if (answer.kind !== 'archived') return answer;
  const { clock, limits } = runtime;
  const record = await within(clock, limits.recordAnswerMs, readCold(runtime, answer.stub));
  return answerOf(record) as Exclude<ReplayedAnswer, { kind: 'archived' }>;
}

function answerOf(record: TerminalRecord): ReplayedAnswer {
  switch (record.status) {
    case 'completed':
      return { kind: 'result', stored: record.result };
    case 'failed':
      return { kind: 'error', error: record.error };
    case 'cancelled':
      return {
        kind: 'error',
        error: { code: 'cancelled', message: record.reason, retryable: false },
      };
    case 'archived':
      return { kind: 'archived', stub: record };
  }
}

function reasonOf(record: TerminalRecord): string {
  return record.status === 'cancelled' ? record.reason : 'cancelled; the reason is in cold storage';
}
