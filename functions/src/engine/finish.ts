import type { ClaimRequest } from '../operation/claim.ts';
import type { Conclusion } from '../operation/conclusion.ts';
import type { CompletedRecord, FailedRecord } from '../operation/record.ts';
import { discardUnnamed } from './discard-blobs.ts';
import type { TaskOutcome } from './outcome.ts';
import { publishFollowUps } from './publish-follow-ups.ts';
import type { Following } from './publish-follow-ups.ts';
import type { WorkflowProgress } from './progress.ts';
import type { Recorded } from './record-conclusion.ts';
import type { Runtime } from './runtime.ts';
import { waitForAll } from './wait-for-all.ts';

/** What a recorded run leads to: tasks that follow from the result, and its workflow's next. */
export interface Onward {
  readonly follows: Following | undefined;
  readonly moves: WorkflowProgress | undefined;
}

/** What is left once a run is on record: publish what follows, remember the record, say how it ended. */
export async function finish(
  runtime: Runtime,
  request: ClaimRequest,
  conclusion: Exclude<Conclusion, { kind: 'lost' }>,
  recorded: Extract<Recorded, { kind: 'settled' }>,
  { follows, moves }: Onward,
): Promise<TaskOutcome> {
  switch (conclusion.kind) {
    case 'done': {
      // The workflow goes on, whatever becomes of what follows from its step; and the other way round.
      await waitForAll([follow(runtime, recorded, follows), moves?.after() ?? Promise.resolve()]);
      remember(runtime, request, recorded, {
        status: 'completed',
        result: recorded.result ?? { kind: 'purged' },
        sent: true,
      });
      return { kind: 'completed', token: recorded.claim.token, result: conclusion.result };
    }
    case 'failed':
      await moves?.after();
      remember(runtime, request, recorded, { status: 'failed', error: conclusion.error });
      return { kind: 'terminal_error', error: conclusion.error };
    case 'again': {
      const { error, waitMs } = conclusion;
      return { kind: 'retryable_error', error, retryAfterMs: waitMs };
    }
    case 'doubt':
      await moves?.after();
      return { kind: 'in_doubt', error: conclusion.error, fresh: true };
  }
}

async function follow(
  runtime: Runtime,
  { claim, outbox }: Extract<Recorded, { kind: 'settled' }>,
  follows: Following | undefined,
): Promise<void> {
  if (follows?.kind === 'pending') throw follows.error;
  if (!follows || outbox === undefined) return;
  await publishFollowUps(runtime, follows, claim);
  await discardUnnamed(runtime, claim, [outbox]);
}

type Settled =
  | Pick<CompletedRecord, 'status' | 'result' | 'sent'>
  | Pick<FailedRecord, 'status' | 'error'>;

function remember(
  { cache }: Runtime,
  { facts }: ClaimRequest,
  { claim, at }: Extract<Recorded, { kind: 'settled' }>,
  settled: Settled,
): void {
  const { token, claimId, fence, attempt, revision, ttlMs } = claim;
  const progress = { schema: 1, shard: 0, token, claimId, fence, attempt } as const;
  const times = { completedAt: at, expireAt: at + ttlMs };
  cache.admit({
    record: { ...facts, ...progress, ...times, ...settled },
    revision,
    createdAt: at,
    updatedAt: at,
  });
}
