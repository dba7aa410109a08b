import { describe, expect, test } from 'vitest';
import {
  concludeError,
  concludeExhausted,
  concludeUnknown,
} from '../../../functions/src/operation/conclusion.ts';
import type { Attempt, Conclusion } from '../../../functions/src/operation/conclusion.ts';
import {
  LeaseLost,
  NotDone,
  RetryableError,
  StepTimeout,
  TerminalError,
} from '../../../functions/src/operation/errors.ts';
import type { Effect } from '../../../functions/src/operation/record.ts';

const ERRORS = {
  TerminalError: new TerminalError('declined', 'No cover.'),
  RetryableError: new RetryableError('busy', 'Busy.'),
  NotDone: new NotDone('refused', 'Refused.'),
  'NotDone, final': new NotDone('refused', 'Refused.', { final: true }),
  StepTimeout: new StepTimeout('Too long.'),
  'any other error': new Error('socket hang up'),
  LeaseLost: new LeaseLost('Gone.'),
};
type ErrorName = keyof typeof ERRORS;

function attempt(changes: Partial<Attempt> = {}): Attempt {
  return {
    effect: 'idempotent',
    attempt: 1,
    maxAttempts: 10,
    started: false,
    random: 0.5,
    ...changes,
  };
}

/** `again?`: later, and the effect may have been sent; `again`: later, and it was not. */
function shown(conclusion: Conclusion): string {
  return conclusion.kind === 'again' && conclusion.started ? 'again?' : conclusion.kind;
}

const UNKNOWN: readonly ErrorName[] = ['RetryableError', 'StepTimeout', 'any other error'];

/** [effect, started, error] → [with attempts left, on the last attempt]. */
function expected(effect: Effect, started: boolean, error: ErrorName): readonly [string, string] {
  if (error === 'LeaseLost') return ['lost', 'lost'];
  if (error === 'NotDone, final') return ['failed', 'failed'];
  const answers: Record<Effect, Record<'unstarted' | 'started', readonly [string, string][]>> = {
    //              TerminalError          unknown               NotDone
    pure: {
      unstarted: [
        ['failed', 'failed'],
        ['again', 'failed'],
        ['again', 'failed'],
      ],
      started: [
        ['failed', 'failed'],
        ['again', 'failed'],
        ['again', 'failed'],
      ],
    },
    idempotent: {
      unstarted: [
        ['failed', 'failed'],
        ['again?', 'doubt'],
        ['again', 'failed'],
      ],
      started: [
        ['failed', 'failed'],
        ['again?', 'doubt'],
        ['again?', 'doubt'],
      ],
    },
    reconcilable: {
      unstarted: [
        ['failed', 'failed'],
        ['again', 'failed'],
        ['again', 'failed'],
      ],
      started: [
        ['again?', 'doubt'],
        ['again?', 'doubt'],
        ['again', 'failed'],
      ],
    },
    once: {
      unstarted: [
        ['failed', 'failed'],
        ['again', 'failed'],
        ['again', 'failed'],
      ],
      started: [
        ['doubt', 'doubt'],
        ['doubt', 'doubt'],
        ['again', 'failed'],
      ],
    },
  };
  const [terminal, unknown, notDone] = answers[effect][started ? 'started' : 'unstarted'];
  const found = error === 'TerminalError' ? terminal : UNKNOWN.includes(error) ? unknown : notDone;
  return found ?? ['', ''];
}

const CASES = (['pure', 'idempotent', 'reconcilable', 'once'] as const).flatMap((effect) =>
  [false, true].flatMap((started) =>
    (Object.keys(ERRORS) as ErrorName[]).map((error) => {
      const [left, last] = expected(effect, started, error);
      return { effect, started, when: started ? 'after' : 'before', error, left, last };
    }),
  ),
);

describe('a step that throws', () => {
  test.each(CASES)(
    '$error from a $effect step $when its start: $left, on the last attempt $last',
    ({ effect, started, error, left, last }) => {
      const inMidst = attempt({ effect, started, attempt: 9 });
      const atLast = attempt({ effect, started, attempt: 10 });
      expect(shown(concludeError(ERRORS[error], inMidst))).toBe(left);
      expect(shown(concludeError(ERRORS[error], atLast))).toBe(last);
    },
  );

  test('beyond the last attempt it ends as on the last', () => {
    const beyond = attempt({ effect: 'pure', attempt: 11 });
    expect(concludeError(ERRORS.NotDone, beyond).kind).toBe('failed');
  });

  test('what is recorded for good is the error, as not retryable', () => {
    const last = attempt({ effect: 'pure', attempt: 10 });
    expect(concludeError(new RetryableError('busy', 'Busy.', { retryAfterMs: 9 }), last)).toEqual({
      kind: 'failed',
      error: { code: 'busy', message: 'Busy.', retryable: false },
    });
    expect(concludeError(ERRORS.TerminalError, attempt({ effect: 'once', started: true }))).toEqual(
      {
        kind: 'doubt',
        error: { code: 'declined', message: 'No cover.', retryable: false },
      },
    );
  });
});

describe('an earlier effect that was absent, but may still come', () => {
  const open = { effect: 'reconcilable', started: false, mayStillCome: true } as const;

  test.each([
    { error: 'TerminalError', left: 'again?', last: 'doubt' },
    { error: 'RetryableError', left: 'again?', last: 'doubt' },
    { error: 'any other error', left: 'again?', last: 'doubt' },
    { error: 'NotDone', left: 'again?', last: 'doubt' },
    { error: 'NotDone, final', left: 'failed', last: 'failed' },
    { error: 'LeaseLost', left: 'lost', last: 'lost' },
  ] as const)('leaves its question after $error: $left, at last $last', ({ error, left, last }) => {
    expect(shown(concludeError(ERRORS[error], attempt({ ...open, attempt: 9 })))).toBe(left);
    expect(shown(concludeError(ERRORS[error], attempt({ ...open, attempt: 10 })))).toBe(last);
  });

  test('leaves it to a person beyond the last attempt', () => {
    expect(concludeExhausted(attempt({ ...open, attempt: 11 })).kind).toBe('doubt');
  });
});

describe('an effect whose fate is open', () => {
  const error = { code: 'effect_unknown', message: 'Not yet.', retryable: true };

  test('is asked about again later, where the provider can be asked', () => {
    const open = attempt({ effect: 'reconcilable', started: true });
    expect(shown(concludeUnknown(error, open))).toBe('again?');
  });

  test('is for a person where it cannot, or after the last attempt', () => {
    const doubt = { kind: 'doubt', error: { ...error, retryable: false } };
    expect(concludeUnknown(error, attempt({ effect: 'once', started: true }))).toEqual(doubt);
    const last = attempt({ effect: 'reconcilable', started: true, attempt: 10 });
    expect(concludeUnknown(error, last)).toEqual(doubt);
  });
});

describe('a claim beyond the last attempt', () => {
  test.each(['idempotent', 'reconcilable', 'once'] as const)(
    'leaves a %s effect that may have been sent to a person',
    (effect) => {
      const over = concludeExhausted(attempt({ effect, started: true, attempt: 11 }));
      expect(over).toMatchObject({
        kind: 'doubt',
        error: { code: 'attempts_exhausted', retryable: false },
      });
    },
  );

  test.each(['pure', 'idempotent', 'reconcilable', 'once'] as const)(
    'fails a %s effect that was never sent, for good',
    (effect) => {
      const over = concludeExhausted(attempt({ effect, started: false, attempt: 11 }));
      expect(over).toMatchObject({
        kind: 'failed',
        error: { code: 'attempts_exhausted', retryable: false },
      });
    },
  );

  test('fails a pure effect even if it was started, since nothing is left to ask', () => {
    const over = concludeExhausted(attempt({ effect: 'pure', started: true, attempt: 11 }));
    expect(over.kind).toBe('failed');
  });
});

describe('the wait before the next attempt', () => {
  function waitMs(at: Partial<Attempt>, retryAfterMs?: number): number {
    const terms = retryAfterMs === undefined ? {} : { retryAfterMs };
    const error = new RetryableError('busy', 'Busy.', terms);
    const conclusion = concludeError(error, attempt({ maxAttempts: 1_000_000, ...at }));
    return conclusion.kind === 'again' ? conclusion.waitMs : Number.NaN;
  }

  test('is spread from nothing to a ceiling that doubles with each attempt', () => {
    for (const [number, ceiling] of [
      [1, 500],
      [2, 1_000],
      [3, 2_000],
      [8, 64_000],
    ] as const) {
      expect(waitMs({ attempt: number, random: 0 })).toBe(0);
      expect(waitMs({ attempt: number, random: 0.5 })).toBe(ceiling / 2);
      expect(waitMs({ attempt: number, random: 0.999_999_9 })).toBe(ceiling);
    }
  });

  test('never exceeds ten minutes, whatever the attempt', () => {
    for (const number of [12, 50, 2_000, 999_999]) {
      expect(waitMs({ attempt: number, random: 0.999_999_99 })).toBe(600_000);
    }
  });

  test('is never shorter than the step asked for, up to a day', () => {
    expect(waitMs({ random: 0 }, 7_000)).toBe(7_000);
    expect(waitMs({ attempt: 8, random: 0.5 }, 7_000)).toBe(32_000);
    expect(waitMs({ random: 0 }, 3_600_000)).toBe(3_600_000);
    expect(waitMs({ random: 0 }, 1e12)).toBe(86_400_000);
  });

  test('is a number of milliseconds even where the step asked for none', () => {
    expect(waitMs({ random: 0.5 }, Number.NaN)).toBe(250);
  });
});
