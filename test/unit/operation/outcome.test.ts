import { describe, expect, test } from 'vitest';
import { PUBSUB_ANSWERS } from '../../../functions/src/operation/outcome.ts';
import type { OutcomeKind } from '../../../functions/src/operation/outcome.ts';

/** The outcome table of the design: what Pub/Sub is answered. */
const TABLE: Readonly<Record<OutcomeKind, '2xx' | 'dead letter, 2xx' | '429' | '5xx'>> = {
  completed: '2xx',
  replayed: '2xx',
  cancelled: '2xx',
  in_flight_here: '429',
  in_flight_elsewhere: '2xx',
  claim_lost: '429',
  in_doubt: '2xx',
  mismatch: 'dead letter, 2xx',
  expired: 'dead letter, 2xx',
  invalid: 'dead letter, 2xx',
  retryable_error: '5xx',
  terminal_error: '2xx',
  store_away: '5xx',
};

describe('the answer to Pub/Sub', () => {
  test.each(Object.entries(TABLE))('%s: %s', (outcome, expected) => {
    const { status, deadLetter } = PUBSUB_ANSWERS[outcome as OutcomeKind];
    const shown = status === 429 ? '429' : `${Math.floor(status / 100)}xx`;
    expect(deadLetter ? `dead letter, ${shown}` : shown).toBe(expected);
  });

  test('there is one for each outcome, and none besides', () => {
    expect(Object.keys(PUBSUB_ANSWERS).toSorted()).toEqual(Object.keys(TABLE).toSorted());
  });

  test('a store that is away is a 503, as a client of a service expects it', () => {
    expect(PUBSUB_ANSWERS.store_away.status).toBe(503);
  });
});
