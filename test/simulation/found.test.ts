import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineStep, RetryableError } from '../../functions/src/index.ts';
import type { AnyStep } from '../../functions/src/index.ts';
import { createTokenStore } from '../../functions/src/store/token-store.ts';
import { makeTask } from '../../functions/src/engine/tasks.ts';
import {
  aDelivery,
  aRuntime,
  aTask,
  memoryPublisher,
  registerSteps,
  runTask,
  settableClock,
} from '../../functions/src/testing/index.ts';
import { memoryDocuments } from '../../functions/src/testing/memory-documents.ts';
import { StoreAway } from '../../functions/src/operation/errors.ts';
import { claimRequest } from '../support/operation-records.ts';

const params = z.object({});
const SETTLE_MS = 5_000;

/** What the simulation has found, each told in a few steps. */
describe('once found by the simulation', () => {
  test('a slow answer of absent tells how things stood when the provider was asked', async () => {
    const clock = settableClock();
    let effects = 0;
    const step = defineStep({
      action: 'test.ship',
      effect: 'reconcilable',
      params,
      settleMs: SETTLE_MS,
      async run({ start, attempt }) {
        await start();
        if (attempt > 1) effects += 1;
        else throw new Error('The answer was lost; the request is still on its way.');
      },
      async reconcile() {
        effects += 1;
        await clock.advance(SETTLE_MS + 1);
        return { state: 'absent' };
      },
    });
    const runtime = aRuntime({ clock });
    const deliver = deliveriesOf(runtime, step);
    await deliver();
    expect((await deliver()).kind).toBe('retryable_error');
    expect(effects).toBe(1);
  });

  test('the last attempt’s effect is asked about before a person is', async () => {
    const step = defineStep({
      action: 'test.ship',
      effect: 'reconcilable',
      params,
      maxAttempts: 1,
      leaseMs: 1_000,
      async run({ start, signal }) {
        await start();
        return new Promise<string>((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('Aborted.')));
        });
      },
      reconcile: () => Promise.resolve({ state: 'committed' as const, result: 'shipped' }),
    });
    const clock = settableClock();
    const runtime = aRuntime({ clock });
    const crashed = aRuntime({ ...runtime, clock: { ...clock, after: () => () => {} } });
    void deliveriesOf(crashed, step)();
    await clock.advance(1_001);
    expect(await deliveriesOf(runtime, step)()).toMatchObject({
      kind: 'completed',
      result: 'shipped',
    });
  });

  test('what follows from twins hangs on the token that ran, whichever twin is asked for it', async () => {
    let deployed = false;
    const follow = defineStep({ action: 'test.follow', effect: 'pure', params, run: () => {} });
    const step = defineStep({
      action: 'test.lead',
      effect: 'pure',
      params,
      run: () => {},
      next() {
        if (!deployed) throw new RetryableError('broken', 'Until the next deploy.');
        return [follow.task({})];
      },
    });
    const publisher = memoryPublisher();
    const clock = settableClock();
    const runtime = aRuntime({ clock, publisher });
    const steps = registerSteps([step, follow]);
    const origin = { namespace: aDelivery(aTask(step, {})).namespace, agent: 'twin' };
    const [ran, twin] = [-1, 1].map((ms) => makeTask(step.task({}), origin, clock.now() + ms));
    if (!ran || !twin) throw new Error('There are two twins.');

    await runTask(runtime, steps, aDelivery(ran));
    deployed = true;
    await runTask(runtime, steps, aDelivery(twin, { messageId: 'message-2' }));
    expect(publisher.published.map(({ root }) => root)).toEqual([ran.token]);
  });

  test('a person’s decision about one doubt is not carried over to a later one', async () => {
    const clock = settableClock();
    const documents = memoryDocuments(() => clock.now());
    const { claim, intoDoubt } = doubts(createTokenStore(documents));
    await intoDoubt();
    const { namespace, token } = claim.facts;

    const forgetful = createTokenStore({
      ...documents,
      async update(...asked) {
        await documents.update(...asked);
        await intoDoubt();
        throw new StoreAway('The answer was lost, and much happened before that was known.');
      },
    });
    const override = { verb: 'resolve_not_done' } as const;
    const request = { override, actor: 'somebody', reason: 'looked at it' };
    await forgetful.override(namespace, token, request);
    const found = await createTokenStore(documents).get(namespace, token);
    expect(found?.record.status).toBe('in_doubt');
  });
});

function deliveriesOf(runtime: ReturnType<typeof aRuntime>, step: AnyStep) {
  const delivery = aDelivery(aTask(step, {}));
  return () => runTask(runtime, registerSteps([step]), delivery);
}

/** A `once` operation that each time it is run comes into doubt. */
function doubts(store: ReturnType<typeof createTokenStore>) {
  const claim = claimRequest({ effect: 'once' });
  let times = 0;
  return {
    claim,
    async intoDoubt() {
      times += 1;
      const answer = await store.claim({ ...claim, claimId: `claim-${times}` });
      if (answer.kind !== 'claimed') throw new Error(`Not claimed: ${answer.kind}`);
      const held = await store.start(answer.claim, 'tracking-1');
      if (held.kind === 'lost') throw new Error('The claim is lost.');
      await store.doubt(held.claim, { code: 'test', message: 'Who knows.', retryable: false });
    },
  };
}
