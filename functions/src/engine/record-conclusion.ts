import type { Conclusion } from '../operation/conclusion.ts';
import type { Claim, SettleAnswer } from '../ports/token-store.ts';
import { discardUnnamed } from './discard-blobs.ts';
import type { Lease } from './lease.ts';
import { packValue } from './payload.ts';
import { packOutbox } from './publish-follow-ups.ts';
import type { Following } from './publish-follow-ups.ts';
import type { Runtime } from './runtime.ts';
import type { StoredOutbox, StoredValue } from '../operation/record.ts';
import type { WorkflowProgress } from './progress.ts';
import { within } from './within.ts';

export type Recorded =
  | {
      readonly kind: 'settled';
      readonly claim: Claim;
      readonly at: number;
      readonly result?: StoredValue;
      readonly outbox?: StoredOutbox | undefined;
    }
  | { readonly kind: 'lost' };

/**
 * Writes what a run came to, as the claim's last write.
 *
 * @throws {StoreAway} when the store doesn't answer in time: whether it is recorded is then unknown,
 * and the next delivery finds out.
 */
export async function recordConclusion(
  runtime: Runtime,
  lease: Lease,
  conclusion: Exclude<Conclusion, { kind: 'lost' }>,
  follows: Following | undefined,
  progress?: WorkflowProgress,
): Promise<Recorded> {
  const { store, blobs, clock, limits } = runtime;
  if (conclusion.kind === 'done') {
    const packed = Promise.all([
      packValue(conclusion.result, blobs, lease.owner),
      follows && packOutbox(follows, runtime, lease.owner),
    ]);
    const [result, outbox] = await within(clock, limits.recordAnswerMs, packed);
    const completion = outbox === undefined ? { result } : { result, outbox };
    const recorded = await last((claim) =>
      store.complete(claim, completion, progress?.derive(result)),
    );
    if (recorded.kind === 'settled') return { ...recorded, result, outbox };
    await discardUnnamed(runtime, lease.owner, [result, outbox]);
    return recorded;
  }
  const also = progress?.derive(undefined);
  switch (conclusion.kind) {
    case 'failed':
      return last((claim) => store.fail(claim, conclusion.error, also));
    case 'again':
      return last((claim) => store.release(claim, conclusion));
    case 'doubt':
      return last((claim) => store.doubt(claim, conclusion.error, also));
  }

  async function last(write: (claim: Claim) => Promise<SettleAnswer>): Promise<Recorded> {
    const settled = lease.settle(async (claim) => ({ claim, answer: await write(claim) }));
    const { claim, answer } = await within(clock, limits.recordAnswerMs, settled);
    if (answer.kind === 'lost') return answer;
    return { kind: 'settled', claim: { ...claim, revision: answer.revision }, at: answer.at };
  }
}
