import { describe, expect, it } from 'vitest';
import { handleMessage } from '../../../functions/src/handlers/handle-message.ts';
import type { MessageAnswer } from '../../../functions/src/handlers/handle-message.ts';
import { NotDone, StoreAway } from '../../../functions/src/operation/errors.ts';
import { FORGET_AFTER_MS } from '../../../functions/src/retention/classes.ts';
import type { Clock } from '../../../functions/src/ports/clock.ts';
import { systemClock } from '../../../functions/src/adapters/system/clock.ts';
import { messageOf, testReceiver } from './receiver.ts';
import type { TestReceiver } from './receiver.ts';

const TASK = { schema: 'agent-once/task@1', action: 'a.b', key: 'order-17', params: { n: 1 } };

const handle = (
  receiver: TestReceiver,
  json: unknown,
  delivery: { redelivery?: boolean; publishedAt?: number } = {},
): Promise<MessageAnswer> =>
  handleMessage(receiver, { message: messageOf(json), redelivery: false, ...delivery });

describe('a task', () => {
  it('is run, recorded and acknowledged', async () => {
    const receiver = testReceiver();
    expect(await handle(receiver, TASK)).toEqual({ status: 204, outcomeKind: 'completed' });
    expect(receiver.ran).toEqual([{ n: 1 }]);
  });

  it('hands its trace on to its step', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const seen: unknown[] = [];
    const receiver = testReceiver({ run: (context) => void seen.push(context.traceparent) });
    await handle(receiver, { ...TASK, traceparent });
    await handle(receiver, { ...TASK, key: 'order-18' });
    expect(seen).toEqual([traceparent, undefined]);
  });

  it('that comes again, under whatever message, is acknowledged and not run', async () => {
    const receiver = testReceiver();
    await handle(receiver, TASK);
    expect(await handle(receiver, TASK)).toEqual({ status: 204, outcomeKind: 'replayed' });
    expect(await handle(receiver, TASK, { redelivery: true })).toMatchObject({ status: 204 });
    expect(receiver.ran).toHaveLength(1);
    expect(receiver.deadLetters).toEqual([]);
  });

  it('whose step wants to be called later is handed back with the time to wait', async () => {
    const receiver = testReceiver({
      run: () => {
        throw new NotDone('busy', 'Come back.', { retryAfterMs: 2_500 });
      },
    });
    const { retryAfterMs, ...answer } = await handle(receiver, TASK);
    expect(answer).toEqual({ status: 503, outcomeKind: 'retryable_error' });
    expect(retryAfterMs).toBeGreaterThan(2_000);
    expect(receiver.deadLetters).toEqual([]);
  });

  it('still running under its own message is handed back, under another one acknowledged', async () => {
    const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
    const { promise: started, resolve: start } = Promise.withResolvers<void>();
    const receiver = testReceiver({
      run: async () => {
        start();
        await finished;
      },
    });
    const message = messageOf(TASK);
    const first = handleMessage(receiver, { message, redelivery: false });
    await started;
    const again = await handleMessage(receiver, { message, redelivery: true });
    expect(again).toMatchObject({ status: 429, outcomeKind: 'in_flight_here' });
    expect(await handle(receiver, TASK)).toMatchObject({
      status: 204,
      outcomeKind: 'in_flight_elsewhere',
    });
    finish();
    expect(await first).toEqual({ status: 204, outcomeKind: 'completed' });
  });
});

describe('a message that can never be run', () => {
  it('is acknowledged once it lies in the dead-letter topic, whole and with every fault', async () => {
    const receiver = testReceiver();
    const message = messageOf({ ...TASK, action: 'A', key: undefined }, { action: 'a.b' });
    const answer = await handleMessage(receiver, { message, redelivery: false });
    expect(answer).toEqual({ status: 204, outcomeKind: 'invalid' });
    expect(receiver.deadLetters).toEqual([
      {
        message,
        reason: {
          code: 'invalid',
          faults: [expect.stringMatching(/^action: /), expect.stringMatching(/^key: /)],
        },
      },
    ]);
    expect(receiver.ran).toEqual([]);
  });

  it('has its decision line, under its action only where that is a registered one', async () => {
    const receiver = testReceiver();
    const bad = { schema: 'agent-once/task@1' };
    for (const action of ['a.b', 'made.up']) {
      const message = messageOf(bad, { action });
      await handleMessage(receiver, { message, redelivery: false });
      expect(receiver.decisions.at(-1)).toMatchObject({
        outcome: 'invalid',
        messageId: message.id,
        namespace: 'shop',
        error: { code: 'invalid', message: expect.stringContaining('action: ') },
      });
    }
    expect(receiver.decisions.map(({ action }) => action)).toEqual(['a.b', 'unknown']);
  });

  it.each([
    ['for another step', { ...TASK, action: 'a.c' }, 'invalid', /^action: no step "a\.c"/],
    ['with params its step refuses', { ...TASK, params: 7 }, 'invalid', /^params: /],
  ])('%s is dead-lettered with the reason', async (_what, json, code, fault) => {
    const receiver = testReceiver();
    expect(await handle(receiver, json)).toEqual({ status: 204, outcomeKind: code });
    expect(receiver.deadLetters).toMatchObject([
      { reason: { code, faults: [expect.stringMatching(fault)] } },
    ]);
  });

  it('because its token was used for other params is dead-lettered as a mismatch', async () => {
    const receiver = testReceiver();
    await handle(receiver, TASK);
    const other = { ...TASK, params: { n: 2 } };
    expect(await handle(receiver, other)).toEqual({ status: 204, outcomeKind: 'mismatch' });
    expect(receiver.deadLetters).toMatchObject([{ reason: { code: 'mismatch' } }]);
    expect(receiver.ran).toEqual([{ n: 1 }]);
  });

  it('because it is older than what is remembered is dead-lettered as expired', async () => {
    const receiver = testReceiver();
    const publishedAt = Date.now() - FORGET_AFTER_MS - 60_000;
    const answer = await handle(receiver, TASK, { publishedAt });
    expect(answer).toEqual({ status: 204, outcomeKind: 'expired' });
    expect(receiver.deadLetters).toMatchObject([{ reason: { code: 'expired' } }]);
    expect(receiver.ran).toEqual([]);
  });
});

describe('a message is handed back, never acknowledged,', () => {
  const broken = async (): Promise<never> => {
    throw new Error('away');
  };

  it('where the dead-letter topic refuses it', async () => {
    const receiver = testReceiver({
      runtime: { publisher: { publish: broken, deadLetter: broken } },
    });
    expect(await handle(receiver, {})).toEqual({ status: 503, outcomeKind: 'invalid' });
    expect(receiver.events).toMatchObject([{ severity: 'ERROR', fields: { messageId: /./ } }]);
  });

  it('where the dead-letter topic gives no answer', async () => {
    const silent = { publish: broken, deadLetter: () => new Promise<never>(() => {}) };
    const impatient: Clock = { ...systemClock, after: (_ms, fn) => systemClock.after(0, fn) };
    const receiver = testReceiver({ runtime: { publisher: silent, clock: impatient } });
    expect(await handle(receiver, {})).toEqual({ status: 503, outcomeKind: 'invalid' });
  });

  it('where the store is away', async () => {
    const { runtime } = testReceiver();
    const claim = async (): Promise<never> => {
      throw new StoreAway('No answer.');
    };
    const receiver = testReceiver({ runtime: { store: { ...runtime.store, claim } } });
    expect(await handle(receiver, TASK)).toEqual({ status: 503, outcomeKind: 'store_away' });
    expect(receiver.ran).toEqual([]);
  });

  it('where even the log throws', async () => {
    const fail = (): never => {
      throw new Error('the disk is full');
    };
    const receiver = testReceiver({ runtime: { telemetry: { decision: fail, event: fail } } });
    expect(await handle(receiver, {})).toMatchObject({ status: 503 });
    expect(await handle(receiver, TASK)).toMatchObject({ status: 503 });
  });
});
