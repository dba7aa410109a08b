import { expect, it } from 'vitest';
import { pushBadRequests } from '../unit/handlers/bad-requests.ts';

const CASES = 100_000;

it(`${CASES} bad envelopes and messages are each dead-lettered with every fault named`, async () => {
  const { complaints, receiver } = await pushBadRequests(CASES, 20_260_201);
  expect(complaints).toEqual([]);
  expect(receiver.ran).toEqual([]);
  expect(receiver.events).toEqual([]);
  expect(receiver.decisions).toHaveLength(CASES);
});
