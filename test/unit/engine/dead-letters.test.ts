import { expect, test } from 'vitest';
import { eachDeadLetter, replayDeadLetters } from '../../../functions/src/engine/dead-letters.ts';
import type { ReplayOptions } from '../../../functions/src/engine/dead-letters.ts';
import type { DeadLetter, DeadLetters } from '../../../functions/src/ports/dead-letters.ts';

function letter(id: string, handle: string, why: DeadLetter['why'] = 'undelivered'): DeadLetter {
  return { id, handle, message: { id, data: Buffer.from(id), attributes: {} }, why, faults: [] };
}

/** A subscription that hands over these batches, one after another, and says what it was told. */
function handing(batches: readonly (readonly DeadLetter[])[], changes: Partial<DeadLetters> = {}) {
  const told: string[] = [];
  const left = [...batches];
  const letters: DeadLetters = {
    take: async () => left.shift() ?? [],
    publishAgain: async ({ id }) => void told.push(`publish ${id}`),
    acknowledge: async (handle) => void told.push(`acknowledge ${handle}`),
    giveBack: async (handles) => void told.push(`give back ${handles.join(' ')}`),
    close: async () => {},
    ...changes,
  };
  return { letters, told, left };
}

const ALL: ReplayOptions = {
  reasons: ['undelivered'],
  limit: Infinity,
  dryRun: false,
  signal: new AbortController().signal,
  progress: () => {},
};

test('each is acknowledged after its message is durable, and never before', async () => {
  const { promise: durable, resolve } = Promise.withResolvers<void>();
  const { letters, told } = handing([[letter('a', 'a1')]], { publishAgain: () => durable });
  const replayed = replayDeadLetters(letters, ALL);
  await new Promise(setImmediate);
  expect(told).toEqual([]);
  resolve();
  expect(await replayed).toEqual({ replayed: 1, kept: {}, failed: 0 });
  expect(told).toEqual(['acknowledge a1', 'give back ']);
});

test('one whose acknowledgement was lost is acknowledged again, and not published again', async () => {
  const { letters, told } = handing([
    [letter('a', 'a1')],
    [letter('a', 'a2'), letter('b', 'b1')],
    [],
  ]);
  expect(await replayDeadLetters(letters, ALL)).toMatchObject({ replayed: 2 });
  expect(told).toEqual([
    'publish a',
    'acknowledge a1',
    'acknowledge a2',
    'publish b',
    'acknowledge b1',
    'give back ',
  ]);
});

test('what stays is given back at the end, by its newest handle, and counted once', async () => {
  const { letters, told } = handing([
    [letter('a', 'a1', 'invalid'), letter('b', 'b1')],
    [letter('a', 'a2', 'invalid'), letter('c', 'c1')],
  ]);
  expect(await replayDeadLetters(letters, ALL)).toMatchObject({
    replayed: 2,
    kept: { invalid: 1 },
  });
  expect(told.at(-1)).toBe('give back a2');
});

test('a topic that takes nothing ends the replay, with every dead letter given back', async () => {
  const { letters, told, left } = handing(
    [[letter('a', 'a1'), letter('b', 'b1')], [letter('c', 'c1')]],
    {
      publishAgain: () => Promise.reject(new Error('away')),
    },
  );
  expect(await replayDeadLetters(letters, ALL)).toMatchObject({ replayed: 0, failed: 2 });
  expect(told).toEqual(['give back a1 b1']);
  expect(left).toHaveLength(1);
});

test('a replay that is broken off ends after the batch in hand', async () => {
  const stopping = new AbortController();
  const { letters, left } = handing([[letter('a', 'a1')], [letter('b', 'b1')]]);
  const progress = (): void => stopping.abort();
  const report = await replayDeadLetters(letters, { ...ALL, signal: stopping.signal, progress });
  expect(report).toMatchObject({ replayed: 1 });
  expect(left).toHaveLength(1);
});

test('a look that fails gives back what it has taken', async () => {
  const { letters, told } = handing([[letter('a', 'a1')]], {});
  const show = (): void => {
    throw new Error('unreadable');
  };
  await expect(eachDeadLetter(letters, show, ALL.signal)).rejects.toThrow('unreadable');
  expect(told).toEqual(['give back a1']);
});
