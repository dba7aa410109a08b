import { afterEach, beforeEach } from 'vitest';
import type { ClaimRequest } from '../../../functions/src/operation/claim.ts';
import type {
  ArchivePointer,
  OperationRecord,
  StoredOperation,
  TerminalRecord,
} from '../../../functions/src/operation/record.ts';
import type { OperationDocuments } from '../../../functions/src/ports/operation-documents.ts';
import type {
  Claim,
  ClaimAnswer,
  Override,
  TokenStore,
} from '../../../functions/src/ports/token-store.ts';
import { createTokenStore } from '../../../functions/src/store/token-store.ts';
import { faultyDocuments } from '../../support/faulty-documents.ts';
import type { FaultyDocuments } from '../../support/faulty-documents.ts';
import { claimRequest } from '../../support/operation-records.ts';

/** One technology, empty. */
export interface OpenDocuments {
  readonly documents: OperationDocuments;
  /** Lets at least so much of the store's own time pass. */
  readonly advance: (ms: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface Backend {
  readonly name: string;
  open(): Promise<OpenDocuments>;
}

/** Long enough that nothing lapses by itself, short enough to be waited for. */
export const LIVE_MS = 60_000;
export const SHORT_MS = 120;

export const RESULT = { kind: 'inline', text: '{"charged":1}' } as const;
export const OUTBOX = { kind: 'inline', text: '["ship it"]' } as const;
export const TASK = { kind: 'inline', text: '{"card":"4242"}' } as const;
export const ERROR = { code: 'declined', message: 'No cover.', retryable: false };
export const POINTER: ArchivePointer = { object: 'batch-1', offset: 7, length: 70 };

export interface Bench extends OpenDocuments {
  readonly faulty: FaultyDocuments;
  readonly store: TokenStore;
  /** A claim of order 17, made now, live and under a claim id of its own unless told otherwise. */
  readonly request: (
    facts?: Partial<ClaimRequest['facts']>,
    rest?: Partial<Omit<ClaimRequest, 'facts'>>,
  ) => ClaimRequest;
  /** Wins the claim, or throws. */
  readonly win: (request: ClaimRequest) => Promise<Claim>;
  /** What stands under the request's token. */
  readonly found: (request: ClaimRequest) => Promise<StoredOperation>;
  readonly override: (
    request: ClaimRequest,
    override: Override,
  ) => ReturnType<TokenStore['override']>;
  readonly archive: (request: ClaimRequest) => ReturnType<TokenStore['archive']>;
}

/** A fresh, empty store for each test of the block. */
export function benchFor(backend: Backend): () => Bench {
  let bench: Bench | undefined;
  beforeEach(async () => {
    bench = setUp(await backend.open());
  });
  afterEach(async () => {
    await bench?.close();
    bench = undefined;
  });
  return () => {
    if (!bench) throw new Error('No test is running.');
    return bench;
  };
}

function setUp(open: OpenDocuments): Bench {
  const faulty = faultyDocuments(open.documents);
  const store = createTokenStore(faulty, { shards: 1 });
  let claims = 0;

  async function found({ facts }: ClaimRequest): Promise<StoredOperation> {
    const standing = await store.get(facts.namespace, facts.token);
    if (!standing) throw new Error('Nothing stands under the token.');
    return standing;
  }

  return {
    ...open,
    faulty,
    store,
    request(facts = {}, rest = {}) {
      claims += 1;
      return claimRequest(
        { madeAt: Math.floor(store.now()), ...facts },
        { claimId: `claim-${claims}`, holder: `message:${claims}`, leaseMs: LIVE_MS, ...rest },
      );
    },
    win: async (request) => won(await store.claim(request)).claim,
    found,
    override: ({ facts }, override) =>
      store.override(facts.namespace, facts.token, {
        override,
        actor: 'ops@example.com',
        reason: 'ticket 4711',
      }),
    archive: async (request) =>
      store.archive((await found(request)) as StoredOperation<TerminalRecord>, POINTER),
  };
}

export function won(answer: ClaimAnswer): Extract<ClaimAnswer, { kind: 'claimed' }> {
  if (answer.kind !== 'claimed') throw new Error(`Not claimed: ${JSON.stringify(answer)}`);
  return answer;
}

/** The statuses that a record can stand in, and `unsent`: completed, with follow-ups to publish. */
export type Standing = OperationRecord['status'] | 'unsent';

export const STANDINGS: readonly Standing[] = [
  'claimed',
  'released',
  'in_doubt',
  'completed',
  'unsent',
  'failed',
  'cancelled',
  'archived',
];

/** Brings the request's token to stand so, by the verbs that a holder or a person would use. */
export async function bringTo(
  bench: Bench,
  standing: Standing,
  request: ClaimRequest,
): Promise<void> {
  const { store } = bench;
  if (standing === 'cancelled') {
    await store.cancel(request, 'customer left');
    return;
  }
  const claim = await bench.win(request);
  switch (standing) {
    case 'claimed':
      return;
    case 'released':
      await store.release(claim, { waitMs: LIVE_MS, started: false });
      return;
    case 'in_doubt':
      await store.doubt(claim, ERROR);
      return;
    case 'completed':
      await store.complete(claim, { result: RESULT });
      return;
    case 'unsent':
      await store.complete(claim, { result: RESULT, outbox: OUTBOX });
      return;
    case 'failed':
      await store.fail(claim, ERROR);
      return;
    case 'archived':
      await store.complete(claim, { result: RESULT });
      await bench.override(request, { verb: 'expire' });
      await bench.archive(request);
  }
}
