import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineStep, defineWorkflow, undoWith } from '../../../functions/src/index.ts';

const step = defineStep({ action: 'test.step', effect: 'pure', params: z.object({}), run() {} });
const head = { name: 'test.numbers', version: 1, input: z.object({}) };
const params = () => ({});

const CENTURY_MS = 100 * 365 * 86_400_000;
const NO_TIMES = [Number.NaN, Infinity, -Infinity, -5, 0, CENTURY_MS + 1];
const NO_COUNTS = [Number.NaN, Infinity, -Infinity, -5, 0, 1.5];

describe('the definition of a workflow names as a fault', () => {
  test.for(NO_TIMES)('a deadline of %s', (deadlineMs) => {
    const building = () =>
      defineWorkflow({ ...head, deadlineMs })
        .step('one', step, { params })
        .build();
    expect(building).toThrow(`its deadlineMs is ${deadlineMs}, which must be positive`);
  });

  test.for(NO_TIMES)('a deadline of %s that a member has, alone or in a group', (deadlineMs) => {
    const building = () =>
      defineWorkflow(head)
        .step('one', step, { params, deadlineMs })
        .together((member) => ({ two: member(step, { params, deadlineMs }) }))
        .build();
    expect(building).toThrow(
      new RegExp(`"one" has a deadlineMs of ${deadlineMs}, .*"two" has a deadlineMs`),
    );
  });

  test.for(NO_COUNTS)('%s attempts of a member, or of its compensation', (maxAttempts) => {
    const building = () =>
      defineWorkflow(head)
        .step('one', step, {
          params,
          maxAttempts,
          compensate: undoWith(step, params, { maxAttempts }),
        })
        .build();
    expect(building).toThrow(
      new RegExp(`("one" has a maxAttempts of ${maxAttempts}, which must count from 1.*){2}`),
    );
  });

  test.for(NO_COUNTS)('a version of %s', (version) => {
    const building = () =>
      defineWorkflow({ ...head, version })
        .step('one', step, { params })
        .build();
    expect(building).toThrow('its version must count from 1');
  });
});

test('a workflow may have a deadline of up to a hundred years', () => {
  for (const deadlineMs of [1, CENTURY_MS]) {
    const { stages } = defineWorkflow({ ...head, deadlineMs })
      .step('one', step, { params, deadlineMs })
      .build();
    expect(stages.flat()[0]?.deadlineMs).toBe(deadlineMs);
  }
});
