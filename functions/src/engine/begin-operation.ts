import type { ReconcileQuestion } from '../operation/claim.ts';
import type { InDoubtRecord, StoredOperation, TerminalRecord } from '../operation/record.ts';
import { leavesQuestions } from '../operation/record.ts';
import type { Claim, ClaimAnswer } from '../ports/token-store.ts';
import { StoreAway } from '../operation/errors.ts';
import type { Token } from '../token/token.ts';
import { claimToken, giveBackClaim } from './claim-token.ts';
import type { TimedAnswer } from './claim-token.ts';
import { renewClaim } from './conclude-claim.ts';
import type { IdentifiedOperation } from './identify-operation.ts';
import { keepLonger } from './keep-longer.ts';
import type { Runtime } from './runtime.ts';
import { within } from './within.ts';

export interface BeginRequest extends IdentifiedOperation {
  /** The caller's, kept over its repetitions of this request until one is answered. */
  readonly claimId: string;
  readonly leaseMs: number;
  readonly holder: string;
  /** Record with the claim that the effect may be sent from now on. Absent: as its declarations ask for. */
  readonly started?: boolean | undefined;
  readonly trackingId?: string | undefined;
  readonly strictContext: boolean;
}

export type Begun =
  /** The caller, and nobody else, may run the effect now. */
  | { readonly kind: 'claimed'; readonly claim: Claim; readonly reconcile?: ReconcileQuestion }
  | {
      readonly kind: 'settled';
      readonly found: StoredOperation<TerminalRecord>;
      readonly drift: boolean;
    }
  | {
      readonly kind: 'inFlight';
      readonly token: Token;
      readonly forMs: number;
      readonly holder: string;
    }
  | { readonly kind: 'inDoubt'; readonly found: StoredOperation<InDoubtRecord> }
  | { readonly kind: 'mismatch'; readonly token: Token; readonly part: 'request' | 'context' }
  | { readonly kind: 'expired'; readonly token: Token };

export type Unsettled = Exclude<Begun, { kind: 'claimed' | 'settled' }>;

type UnsettledAnswer = Exclude<ClaimAnswer, { kind: 'claimed' | 'replayed' | 'cancelled' }>;

/**
 * Claims an operation for a caller outside.
 *
 * @throws {StoreAway} when no answer comes in time; a claim that was won nevertheless is given back
 */
export async function beginOperation(runtime: Runtime, request: BeginRequest): Promise<Begun> {
  const { started: asked, trackingId, ...claimRequest } = request;
  const answer = await claimToken(runtime, claimRequest);
  if (answer.kind !== 'claimed') return duplicate(runtime, request, answer);
  const { claim, standing } = answer;
  const started = asked ?? leavesQuestions(claim.effect);
  const reconcile = questionOf(answer, { ...request, started });
  if (claim.started || !started) {
    if (!standing) return claimed(claim, reconcile);
    const renewed = await renewClaim(runtime, { claim });
    return renewed.kind === 'lost' ? lostTo(claim) : claimed(renewed.claim, reconcile);
  }
  const held = await startOrGiveBack(runtime, claim, trackingId ?? claim.token);
  return held.kind === 'lost' ? lostTo(claim) : claimed(held.claim, reconcile);
}

function lostTo({ token, leaseMs }: Claim): Begun {
  return { kind: 'inFlight', token, forMs: leaseMs, holder: 'another claim' };
}

function claimed(claim: Claim, reconcile: ReconcileQuestion | undefined): Begun {
  return { kind: 'claimed', claim, ...(reconcile && { reconcile }) };
}

/**
 * A repetition of this very request finds the start that the first one recorded. Nothing was sent on
 * the strength of that one, since its answer never came: only an earlier holder leaves a question.
 */
function questionOf(
  { claim, reconcile }: Extract<TimedAnswer, { kind: 'claimed' }>,
  { facts, started }: BeginRequest,
): ReconcileQuestion | undefined {
  const own = started && (facts.effect === 'once' || claim.attempt === 1);
  return own ? undefined : reconcile;
}

/**
 * The caller never hears of a claim whose start is not known to be recorded, so it sends nothing. Its
 * repetition may be answered meanwhile, and then goes on with the claim: only as it stood here, and
 * untouched since, is it given back.
 */
async function startOrGiveBack(runtime: Runtime, claim: Claim, trackingId: string) {
  const { store, clock, limits } = runtime;
  const asked = store.start(claim, trackingId);
  try {
    return await within(clock, limits.claimAnswerMs, asked, (late) => {
      if (late.kind === 'held') void giveBackClaim(runtime, { ...late.claim, started: false });
    });
  } catch (error) {
    // Where the answer is only late, `within` hands it over above.
    if (error instanceof StoreAway) asked.catch(() => giveBackClaim(runtime, claim));
    throw error;
  }
}

async function duplicate(
  runtime: Runtime,
  { facts: { token } }: BeginRequest,
  answer: Exclude<TimedAnswer, { kind: 'claimed' }>,
): Promise<Begun> {
  switch (answer.kind) {
    case 'replayed': {
      const kept = await keepLonger(runtime, answer.found);
      if (!answer.remembered || kept !== answer.found) runtime.cache.admit(kept);
      return { kind: 'settled', found: kept, drift: answer.drift };
    }
    case 'cancelled':
      if (!answer.remembered) runtime.cache.admit(answer.found);
      return { kind: 'settled', found: answer.found, drift: false };
    default:
      return unsettled(token, answer);
  }
}

/** What an asker is told of an operation that it may not act on, and that has no outcome to tell. */
export function unsettled(token: Token, answer: UnsettledAnswer): Unsettled {
  switch (answer.kind) {
    case 'inFlight': {
      const { forMs, holder } = answer;
      return { kind: 'inFlight', token, forMs: Math.max(1, Math.ceil(forMs)), holder };
    }
    case 'inDoubt':
      return { kind: 'inDoubt', found: answer.found };
    case 'mismatch':
      return { kind: 'mismatch', token, part: answer.part };
    case 'expired':
      return { kind: 'expired', token };
  }
}
