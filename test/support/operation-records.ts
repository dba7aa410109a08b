import type { ClaimRequest } from '../../functions/src/operation/claim.ts';
import type {
  ArchivedRecord,
  CancelledRecord,
  ClaimedRecord,
  CompletedRecord,
  FailedRecord,
  InDoubtRecord,
  OperationRecord,
  ReleasedRecord,
  Retention,
  StoredOperation,
} from '../../functions/src/operation/record.ts';
import { keyToken } from '../../functions/src/token/token.ts';
import type { Namespace } from '../../functions/src/token/token.ts';

const DAY_MS = 86_400_000;
const NAMESPACE = 'shop' as Namespace;
const TOKEN = keyToken(NAMESPACE, 'order-17');

export const RETENTION: Retention = {
  name: 'workflow',
  ttlMs: DAY_MS,
  capMs: 7 * DAY_MS,
  forgetMs: 90 * DAY_MS,
};

/** When the operations of {@link claimRequest} were made, in epoch milliseconds. */
export const MADE_AT = Date.UTC(2026, 0, 31);

const FACTS: ClaimRequest['facts'] = {
  namespace: NAMESPACE,
  token: TOKEN,
  action: 'payments.charge',
  agent: 'payments',
  root: TOKEN,
  path: 'payments.charge',
  logicalTime: 1,
  madeAt: MADE_AT,
  requestHash: 'r1_charge',
  effect: 'idempotent',
  retention: RETENTION,
};

/** A request to charge order 17, by another claimant unless told otherwise. */
export function claimRequest(
  facts: Partial<ClaimRequest['facts']> = {},
  rest: Partial<Omit<ClaimRequest, 'facts'>> = {},
): ClaimRequest {
  return {
    facts: { ...FACTS, ...facts },
    claimId: 'claim-b',
    leaseMs: 10_000,
    holder: 'message:b',
    ...rest,
  };
}

const PROGRESS = {
  ...FACTS,
  schema: 1,
  shard: 0,
  fence: 3,
  attempt: 2,
  claimId: 'claim-a',
} as const;
const ENDED = { completedAt: MADE_AT + 1_000, expireAt: MADE_AT + 1_000 + DAY_MS };
const ERROR = { code: 'declined', message: 'No cover.', retryable: false };

/** One record per status, all of order 17 and last held by claim `claim-a` under fence 3. */
export const RECORDS = {
  claimed: { ...PROGRESS, status: 'claimed', leaseMs: 10_000, holder: 'message:a' },
  released: { ...PROGRESS, status: 'released', notBefore: MADE_AT + 60_000, holder: 'message:a' },
  in_doubt: { ...PROGRESS, status: 'in_doubt', error: ERROR },
  completed: {
    ...PROGRESS,
    ...ENDED,
    status: 'completed',
    result: { kind: 'inline', text: '{"charged":1}' },
    sent: true,
  },
  failed: { ...PROGRESS, ...ENDED, status: 'failed', error: ERROR },
  cancelled: { ...PROGRESS, ...ENDED, status: 'cancelled', reason: 'customer left' },
  archived: {
    ...PROGRESS,
    status: 'archived',
    outcome: 'completed',
    pointer: { object: 'batch-1', offset: 0, length: 10 },
    completedAt: ENDED.completedAt,
    forgetAt: ENDED.expireAt + 90 * DAY_MS,
  },
} as const satisfies {
  claimed: ClaimedRecord;
  released: ReleasedRecord;
  in_doubt: InDoubtRecord;
  completed: CompletedRecord;
  failed: FailedRecord;
  cancelled: CancelledRecord;
  archived: ArchivedRecord;
};

/** The record as a read finds it, last written at `updatedAt`. */
export function stored<R extends OperationRecord>(
  record: R,
  updatedAt: number = MADE_AT,
): StoredOperation<R> {
  return { record, revision: 'revision-7', createdAt: MADE_AT, updatedAt };
}
