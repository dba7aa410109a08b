import { recordedError } from '../operation/errors.ts';
import type {
  CompletedRecord,
  InDoubtRecord,
  StoredOperation,
  TerminalRecord,
} from '../operation/record.ts';
import { catchUp } from './catch-up.ts';
import type { TimedAnswer } from './claim-token.ts';
import { discardUnnamed, textIfNamed } from './discard-blobs.ts';
import { keepLonger } from './keep-longer.ts';
import { MESSAGE_HOLDER } from './outcome.ts';
import type { ReplayedAnswer, TaskOutcome } from './outcome.ts';
import { unpackValue } from './payload.ts';
import { following, followUpsOf, publishFollowUps } from './publish-follow-ups.ts';
import type { Origin } from './publish-follow-ups.ts';
import { readCold } from './read-cold.ts';
import type { Runtime } from './runtime.ts';
import { underToken } from './tasks.ts';
import { waitForAll } from './wait-for-all.ts';
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
      if (origin) await tellOfDoubt(runtime, answer.found.record, origin, answer.askedAt);
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

/**
 * A doubt that comes from a lapsed lease is told to the workflow by whoever finds it. Where that can't be
 * done now a sweep does it: the doubt itself, which is announced once, must not be lost over it.
 */
async function tellOfDoubt(
  runtime: Runtime,
  record: InDoubtRecord,
  { steps, task }: Origin,
  askedAt: number,
): Promise<void> {
  const { clock, limits, telemetry } = runtime;
  const leftMs = limits.claimAnswerMs - (clock.monotonic() - askedAt);
  try {
    await within(clock, leftMs, catchUp(runtime, steps, underToken(task, record.token), record));
  } catch (error) {
    telemetry.event('WARNING', 'A workflow is told of a doubt by the next sweep', {
      action: record.action,
      error: recordedError(error),
    });
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

/**
 * What a crash may have come before: its follow-ups' publishing, its workflow's next move. Neither waits
 * for the other.
 */
async function payDebts(
  runtime: Runtime,
  found: StoredOperation<TerminalRecord>,
  origin: Origin,
  remembered: boolean,
): Promise<void> {
  const { record } = found;
  const task = underToken(origin.task, record.token);
  const unsent = record.status === 'completed' && !record.sent;
  await waitForAll([
    ...(unsent ? [publishUnsent(runtime, { ...found, record }, origin)] : []),
    ...(remembered ? [] : [catchUp(runtime, origin.steps, task, record)]),
  ]);
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
    await publishFollowUps(runtime, followUpsOf(text), at);
    return discardUnnamed(runtime, at, [outbox]);
  }
  if (!origin) return;
  const result = await unpackValue(record.result, runtime.blobs);
  const task = underToken(origin.task, token);
  const follows = await following({ ...origin, task }, namespace, result);
  if (follows.kind === 'pending') throw follows.error;
  await publishFollowUps(runtime, follows, at);
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
