import { expect, it } from 'vitest';
import { seededRandom } from '../../support/seeded-random.ts';
import { enveloped } from './bad-envelopes.ts';
import { badRequest, pushBadRequests } from './bad-requests.ts';
import { flipped, messageOf, textOf } from './bad-tasks.ts';
import { pushTo, testReceiver } from './receiver.ts';

/** The soak sends five times as many. */
const CASES = 20_000;
const SEED = 20_260_131;

it(`${CASES} bad envelopes and messages are each dead-lettered with every fault named`, async () => {
  const { complaints, receiver } = await pushBadRequests(CASES, SEED);
  expect(complaints).toEqual([]);
  expect(receiver.ran).toEqual([]);
  expect(receiver.events).toEqual([]);
  expect(receiver.decisions).toHaveLength(CASES);
}, 60_000);

it('a good message is run in every envelope, and none is dead-lettered', async () => {
  const random = seededRandom(SEED + 1);
  const receiver = testReceiver();
  const push = pushTo(receiver);
  for (let index = 0; index < 200; index += 1) {
    const fields = { schema: 'agent-once/task@1', action: 'a.b', key: `good-${index}` };
    const inAttributes = { ...fields, params: '{}' };
    const message =
      random() < 0.5
        ? messageOf(textOf({ ...fields, params: {} }))
        : messageOf(Buffer.alloc(0), inAttributes);
    const answer = await push(enveloped(random, message));
    expect(answer).toEqual({ status: 204, outcome: 'completed' });
  }
  expect(receiver.deadLetters).toEqual([]);
});

it('a message with one byte changed is run where it still is a task, and else dead-lettered', async () => {
  const random = seededRandom(SEED + 2);
  const receiver = testReceiver();
  const push = pushTo(receiver);
  const met = new Map<string | undefined, number>();
  for (let index = 0; index < 1_500; index += 1) {
    const { status, outcome } = await push(enveloped(random, flipped(random)));
    met.set(outcome, (met.get(outcome) ?? 0) + 1);
    const letters = receiver.deadLetters.splice(0);
    const run = outcome === 'completed' || outcome === 'replayed';
    expect([status, letters.length]).toEqual([204, run ? 0 : 1]);
    expect(letters.every(({ reason }) => reason.faults.length > 0)).toBe(true);
  }
  expect(met.get('completed')).toBeGreaterThan(5);
  expect(met.get('invalid')).toBeGreaterThan(500);
});

it('no bad request is answered 2xx while the dead-letter topic is away', async () => {
  const random = seededRandom(SEED + 3);
  const away = async (): Promise<never> => {
    throw new Error('away');
  };
  const receiver = testReceiver({ runtime: { publisher: { publish: away, deadLetter: away } } });
  const push = pushTo(receiver);
  for (let index = 0; index < 2_000; index += 1) {
    const { status } = await push(badRequest(random).request);
    expect(status).toBe(503);
  }
});
