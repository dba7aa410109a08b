import { expect, test } from 'vitest';
import { beginOperation } from '../../../functions/src/engine/begin-operation.ts';
import { identifyOperation } from '../../../functions/src/engine/identify-operation.ts';
import { aRuntime, memoryStore, settableClock } from '../../../functions/src/testing/index.ts';
import type { TokenStore } from '../../../functions/src/ports/token-store.ts';
import { parseNamespace } from '../../../functions/src/token/token.ts';

const ANSWER_MS = 4_600;
const LEASE_MS = 60_000;

/** A service whose first `verb` is done at once and answered only when `answer` is called. */
function slowOnce(verb: 'claim' | 'start') {
  const clock = settableClock();
  const real = memoryStore(clock);
  const answer = Promise.withResolvers<void>();
  let slow = true;
  async function late<T>(done: Promise<T>): Promise<T> {
    const told = await done;
    if (!slow) return told;
    slow = false;
    await answer.promise;
    return told;
  }
  const store: TokenStore = {
    ...real,
    claim: (request) => (verb === 'claim' ? late(real.claim(request)) : real.claim(request)),
    start: (...asked) => (verb === 'start' ? late(real.start(...asked)) : real.start(...asked)),
  };
  const runtime = aRuntime({ clock, store });
  const namespace = parseNamespace('test');
  if (!namespace) throw new Error('"test" is no namespace any more.');
  const operation = identifyOperation({
    namespace,
    action: 'pay.charge',
    agent: 'a',
    request: { params: { n: 1 } },
    identity: { by: 'key', key: 'k' },
    madeAt: clock.now(),
    effect: 'once',
    retention: 'api',
  });
  const terms = { leaseMs: LEASE_MS, holder: 'caller', started: true, strictContext: false };
  return {
    clock,
    answer: () => answer.resolve(),
    begin: (claimId: string) => beginOperation(runtime, { ...operation, ...terms, claimId }),
    found: async () => (await real.get(namespace, operation.facts.token))?.record,
  };
}

function nameOf(settled: unknown): string {
  return settled instanceof Error ? settled.name : 'an answer';
}

test.each(['claim', 'start'] as const)(
  'a late answer to a %s takes nothing from the caller whose repetition holds the claim',
  async (verb) => {
    const { clock, answer, begin, found } = slowOnce(verb);
    const first = begin('CLAIM-A').then(nameOf, nameOf);
    await clock.advance(ANSWER_MS);
    expect(await first).toBe('StoreAway');
    expect(await begin('CLAIM-A')).toMatchObject({ kind: 'claimed', claim: { started: true } });
    answer();
    await clock.advance(10);
    expect(await found()).toMatchObject({ status: 'claimed', started: true });
    expect(await begin('CLAIM-B')).toMatchObject({ kind: 'inFlight' });
  },
);

test('a claim whose answer came too late for anyone is free again, and its attempt does not count', async () => {
  const { clock, answer, begin, found } = slowOnce('claim');
  const first = begin('CLAIM-A').then(nameOf, nameOf);
  await clock.advance(ANSWER_MS);
  expect(await first).toBe('StoreAway');
  answer();
  await clock.advance(10);
  expect(await found()).toMatchObject({ status: 'released', attempt: 0 });
});

test('a repetition has its whole lease before it, by the store as well', async () => {
  const { clock, begin } = slowOnce('claim');
  const first = begin('CLAIM-A').then(nameOf, nameOf);
  await clock.advance(ANSWER_MS);
  expect(await first).toBe('StoreAway');
  await clock.advance(LEASE_MS / 2);
  expect(await begin('CLAIM-A')).toMatchObject({ kind: 'claimed' });
  await clock.advance(LEASE_MS - 1_000);
  expect(await begin('CLAIM-B')).toMatchObject({ kind: 'inFlight' });
});
