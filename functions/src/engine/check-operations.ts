import { decideClaim } from '../operation/claim.ts';
import type { ClaimRequest } from '../operation/claim.ts';
import { isTerminal } from '../operation/record.ts';
import type { StoredOperation, TerminalRecord } from '../operation/record.ts';
import type { TokenStore } from '../ports/token-store.ts';
import type { Namespace, Token } from '../token/token.ts';
import { sameWindow } from '../token/window.ts';
import { countMiss } from './cold-miss.ts';
import type { IdentifiedOperation } from './identify-operation.ts';
import { keepLonger } from './keep-longer.ts';
import type { Runtime } from './runtime.ts';
import { sharedReads } from './shared-reads.ts';
import { within } from './within.ts';

/** How an operation stands, for a caller that only asks. */
export type Standing =
  | { readonly kind: 'absent'; readonly token: Token }
  /** On record, and whoever begins it now may run it. */
  | { readonly kind: 'free'; readonly found: StoredOperation }
  | { readonly kind: 'inFlight'; readonly found: StoredOperation; readonly forMs: number }
  | { readonly kind: 'inDoubt'; readonly found: StoredOperation }
  | {
      readonly kind: 'settled';
      readonly found: StoredOperation<TerminalRecord>;
      readonly drift: boolean;
    }
  | { readonly kind: 'mismatch'; readonly token: Token; readonly part: 'request' | 'context' }
  | { readonly kind: 'expired'; readonly token: Token };

/**
 * How operations stand, in the order asked. One call of the store for all of them, none where this
 * instance has seen them settled within the last minute. Claims nothing: by the time that the answer
 * arrives another may have begun. What is settled is kept longer, as by any look.
 *
 * @throws {StoreAway} when no answer comes in time
 */
export async function checkOperations(
  runtime: Runtime,
  operations: readonly IdentifiedOperation[],
  read: ReadTokens = readTokens(runtime),
): Promise<readonly Standing[]> {
  const { store, cache } = runtime;
  const known = new Map<Token, StoredOperation | undefined>();
  for (const { facts } of operations) {
    const remembered = cache.recall(facts.namespace, facts.token);
    if (remembered) known.set(facts.token, remembered);
  }
  const open = operations.filter(({ facts }) => !known.has(facts.token));
  const [first] = open;
  if (first) {
    const tokens = [...new Set(open.flatMap(tokensOf))];
    const found = await read({ namespace: first.facts.namespace, tokens });
    for (const [index, token] of tokens.entries()) {
      const operation = found[index];
      known.set(token, operation);
      if (operation && isTerminal(operation.record)) cache.admit(operation);
    }
  }
  const standings = operations.map((operation) => {
    const standing = standingOf(operation, known, store.now());
    const { action, retention } = operation.facts;
    if (standing.kind === 'expired')
      countMiss(runtime, 'forgotten', { action, class: retention.name });
    return standing;
  });
  await Promise.all(
    standings.map(async (standing) => {
      if (standing.kind !== 'settled') return;
      const kept = await keepLonger(runtime, standing.found);
      if (kept !== standing.found) cache.admit(kept);
    }),
  );
  return standings;
}

interface Tokens {
  readonly namespace: Namespace;
  readonly tokens: readonly Token[];
}

type ReadTokens = (asked: Tokens) => ReturnType<TokenStore['getMany']>;

function readTokens({ store, clock, limits }: Runtime): ReadTokens {
  return ({ namespace, tokens }) =>
    within(clock, limits.claimAnswerMs, store.getMany(namespace, tokens));
}

/** As {@link checkOperations}, for one: whoever asks the same at once shares its read. */
export function sharedCheck(
  runtime: Runtime,
): (operation: IdentifiedOperation) => Promise<Standing | undefined> {
  const { clock, limits } = runtime;
  const shared = sharedReads(
    ({ namespace, tokens }: Tokens) => `${namespace}:${tokens.join()}`,
    readTokens(runtime),
  );
  const read: ReadTokens = (asked) => within(clock, limits.claimAnswerMs, shared(asked));
  return async (operation) => (await checkOperations(runtime, [operation], read))[0];
}

function tokensOf({ facts, window }: IdentifiedOperation): readonly Token[] {
  return [facts.token, ...(window?.neighbours ?? [])];
}

function standingOf(
  operation: IdentifiedOperation,
  known: ReadonlyMap<Token, StoredOperation | undefined>,
  storeNow: number,
): Standing {
  const { token } = operation.facts;
  const found = known.get(token) ?? twinOf(operation, known);
  const asked: ClaimRequest = { ...operation, claimId: '', leaseMs: 0, holder: '' };
  const decision = decideClaim(found, asked, storeNow);
  if (decision.kind === 'mismatch') {
    return { ...decision, token: found?.record.token ?? token };
  }
  if (decision.kind === 'expired') return { kind: 'expired', token };
  if (!found) return { kind: 'absent', token };
  switch (decision.kind) {
    case 'inFlight':
      return { kind: 'inFlight', found, forMs: Math.max(1, decision.until - storeNow) };
    case 'replayed':
    case 'cancelled':
      return {
        kind: 'settled',
        found: { ...found, record: decision.record },
        drift: decision.kind === 'replayed' && decision.drift,
      };
    case 'doubt':
    case 'inDoubt':
      return { kind: 'inDoubt', found };
    case 'create':
    case 'holding':
    case 'takeOver':
      return { kind: 'free', found };
  }
}

/** The same request, made in a neighbouring time bucket. */
function twinOf(
  { facts, window }: IdentifiedOperation,
  known: ReadonlyMap<Token, StoredOperation | undefined>,
): StoredOperation | undefined {
  if (!window) return undefined;
  return window.neighbours
    .map((token) => known.get(token))
    .find(
      (other) =>
        other?.record.requestHash === facts.requestHash &&
        sameWindow(other.record.madeAt, facts.madeAt, window.lengthMs),
    );
}
