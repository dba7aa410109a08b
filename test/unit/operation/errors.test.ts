import { describe, expect, test } from 'vitest';
import {
  LeaseLost,
  NotDone,
  recordedError,
  RetryableError,
  StepTimeout,
  StoreAway,
  TerminalError,
} from '../../../functions/src/operation/errors.ts';

const SECRET = 'Bearer 0123456789';

describe('what is recorded of a thrown value', () => {
  test('a terminal error is not retryable', () => {
    expect(recordedError(new TerminalError('card_expired', 'The card expired.'))).toEqual({
      code: 'card_expired',
      message: 'The card expired.',
      retryable: false,
    });
  });

  test('a retryable error carries how long to wait, if it says so', () => {
    const error = { code: 'busy', message: 'Busy.', retryable: true };
    expect(recordedError(new RetryableError('busy', 'Busy.'))).toEqual(error);
    expect(recordedError(new RetryableError('busy', 'Busy.', { retryAfterMs: 5_000 }))).toEqual({
      ...error,
      retryAfterMs: 5_000,
    });
  });

  test('what was not done is retryable unless that is final, and then there is nothing to wait for', () => {
    const terms = { retryAfterMs: 5_000 };
    expect(recordedError(new NotDone('refused', 'Refused.', terms))).toEqual({
      code: 'refused',
      message: 'Refused.',
      retryable: true,
      retryAfterMs: 5_000,
    });
    expect(recordedError(new NotDone('refused', 'Refused.', { ...terms, final: true }))).toEqual({
      code: 'refused',
      message: 'Refused.',
      retryable: false,
    });
  });

  test.each([Number.NaN, Infinity, -1])('a wait of %s ms is none', (retryAfterMs) => {
    const error = new RetryableError('busy', 'Busy.', { retryAfterMs });
    expect(recordedError(error)).toEqual({ code: 'busy', message: 'Busy.', retryable: true });
  });

  test('any other error keeps its own code and counts as retryable', () => {
    const reset = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
    expect(recordedError(reset)).toMatchObject({ code: 'ECONNRESET', retryable: true });
    expect(recordedError(new StepTimeout('Too long.'))).toMatchObject({ code: 'step_timeout' });
    expect(recordedError(new StoreAway('Away.'))).toMatchObject({ code: 'store_away' });
    expect(recordedError(new LeaseLost('Lost.'))).toMatchObject({ code: 'lease_lost' });
  });

  test.each([
    ['an error without a code', new TypeError('x is undefined'), 'x is undefined'],
    ['an error with an empty code', Object.assign(new Error('m'), { code: '' }), 'm'],
    ['an error with a numeric code', Object.assign(new Error('m'), { code: 14 }), 'm'],
    ['an error whose message is no text', Object.assign(new Error(), { message: 42 }), '42'],
    ['a string', 'out of stock', 'out of stock'],
    ['a symbol', Symbol('stop'), 'Symbol(stop)'],
    ['undefined', undefined, 'undefined'],
    ['null', null, 'null'],
    ['an object that has no text', Object.create(null), 'A value without a text was thrown.'],
  ])('%s is unexpected and retryable', (_, thrown, message) => {
    expect(recordedError(thrown)).toEqual({ code: 'unexpected', message, retryable: true });
  });

  test.each([
    new TerminalError('a', 'm', { cause: new Error(SECRET) }),
    new RetryableError('a', 'm', { cause: new Error(SECRET), retryAfterMs: 1 }),
    new NotDone('a', 'm', { cause: new Error(SECRET) }),
    Object.assign(new Error('m'), { response: { headers: SECRET } }),
    new AggregateError([new Error(SECRET)], 'm'),
  ])('%s survives JSON unchanged, without stack, cause or what else hangs on it', (error) => {
    const recorded = recordedError(error);
    const text = JSON.stringify(recorded);
    expect(JSON.parse(text)).toEqual(recorded);
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain('.ts:');
  });

  test('a long message is cut to two thousand characters, and never within one', () => {
    const { message } = recordedError(new Error(`${'x'.repeat(1_999)}😀${'y'.repeat(100_000)}`));
    expect(message).toHaveLength(2_001);
    expect(message.isWellFormed()).toBe(true);
    expect(recordedError(new Error('x'.repeat(2_000))).message).toBe('x'.repeat(2_000));
  });
});
