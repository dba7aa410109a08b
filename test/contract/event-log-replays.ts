import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineEvents } from '../../functions/src/engine/define-events.ts';
import { appendEvents, readEvents, replay } from '../../functions/src/engine/event-log.ts';
import { StoreAway } from '../../functions/src/operation/errors.ts';
import { APPEND_MAX_EVENTS } from '../../functions/src/workflow/event.ts';
import {
  CHAIN,
  counted,
  countedUpTo,
  eventBenchFor,
  ROOT,
  shuffled,
  tokenOf,
} from './event-log-fixture.ts';
import type { AppendFate, EventBackend } from './event-log-fixture.ts';

const FATES: readonly AppendFate[] = ['answer lost', 'request lost', 'repeated'];
const SNAPSHOTS = { name: 'chain', version: 1, every: 100 };

/** The state that the numbers come to in their own order, each once. */
function chainOf(numbers: readonly number[]) {
  return numbers.reduce(
    (state, number) => CHAIN.apply(state, { ...counted(number), at: 0 }),
    CHAIN.initial,
  );
}

const upTo = (count: number) => Array.from({ length: count }, (_, number) => number);

/** What appending typed events and replaying them promise over any event log. */
export function replayContract(backend: EventBackend): void {
  const bench = eventBenchFor(backend);

  test(
    `${backend.longReplay} events with 20 % duplicates come to the state of each event once`,
    { timeout: 300_000 },
    async () => {
      const { at } = bench();
      const events = countedUpTo(backend.longReplay);
      const again = shuffled(events, 3).slice(0, backend.longReplay / 5);
      const storm = shuffled([...events, ...again]);
      for (let from = 0; from < storm.length; from += 400) {
        await appendEvents(at, storm.slice(from, from + 400));
      }
      expect(await replay(at, CHAIN)).toMatchObject({
        state: chainOf(upTo(backend.longReplay)),
        covered: backend.longReplay,
      });
    },
  );

  test('a log that hands events out twice comes to the same state', async () => {
    const { at, log } = bench();
    await appendEvents(at, countedUpTo(50));
    log.stutter();
    expect((await replay(at, CHAIN)).state).toEqual(chainOf(upTo(50)));
  });

  test('an event handed out twice does not stand in a snapshot for one that was missed', async () => {
    const { at, log } = bench();
    const all = countedUpTo(100);
    await appendEvents(at, all.slice(50));
    log.stutter();
    log.afterNextPage(() => appendEvents(at, all.slice(0, 50)));
    expect(await replay(at, CHAIN, { snapshots: SNAPSHOTS })).toMatchObject({ covered: 50 });
    expect(await replay(at, CHAIN, { snapshots: SNAPSHOTS })).toMatchObject({
      state: chainOf(upTo(100)),
      covered: 100,
    });
  });

  test('a reducer that changes its state in place spoils no other replay', async () => {
    const { at } = bench();
    await appendEvents(at, countedUpTo(3));
    const inPlace = {
      initial: { met: [] as string[] },
      apply(state: { met: string[] }, { type }: { type: string }) {
        state.met.push(type);
        return state;
      },
    };
    await replay(at, inPlace);
    expect((await replay(at, inPlace)).state).toEqual({ met: ['Counted', 'Counted', 'Counted'] });
  });

  describe.each(FATES)('an append whose fate is: %s', (fate) => {
    test('adds each event once when it is made again', async () => {
      const { at, log, readAll } = bench();
      log.befall(fate);
      const [first] = await Promise.allSettled([appendEvents(at, countedUpTo(3))]);
      const told = first.status === 'rejected' ? [first.reason] : [];
      expect(told.map((error) => error instanceof StoreAway)).toEqual(
        fate === 'repeated' ? [] : [true],
      );
      await appendEvents(at, countedUpTo(3));
      expect((await readAll()).map(({ token }) => token)).toEqual([0, 1, 2].map(tokenOf));
    });
  });

  test('a replay goes on from a snapshot and reads only the events after it', async () => {
    const { at, log } = bench();
    await appendEvents(at, countedUpTo(250));
    await replay(at, CHAIN, { snapshots: SNAPSHOTS });
    expect(log.handedOut()).toBe(250);
    await appendEvents(at, [counted(250), counted(251)]);
    const next = await replay(at, CHAIN, { snapshots: SNAPSHOTS });
    expect(log.handedOut() - 250).toBe(52);
    expect(next).toMatchObject({ state: chainOf(upTo(252)), covered: 252 });
  });

  test('an event behind the snapshot is taken in at its place, at the price of one long replay', async () => {
    const { at, log } = bench();
    const late = counted(120);
    await appendEvents(
      at,
      countedUpTo(250).filter((event) => event.token !== late.token),
    );
    await replay(at, CHAIN, { snapshots: SNAPSHOTS });
    await appendEvents(at, [late]);
    const before = log.handedOut();
    const whole = await replay(at, CHAIN, { snapshots: SNAPSHOTS });
    expect(whole).toMatchObject({ state: chainOf(upTo(250)), covered: 250 });
    expect(log.handedOut() - before).toBe(250);
    await replay(at, CHAIN, { snapshots: SNAPSHOTS });
    expect(log.handedOut() - before).toBe(300);
  });

  test('an event that comes during a replay, behind what it has read, is in the next one', async () => {
    const { at, log } = bench();
    const late = counted(10);
    await appendEvents(
      at,
      countedUpTo(250).filter((event) => event.token !== late.token),
    );
    log.afterNextPage(() => appendEvents(at, [late]));
    const missed = await replay(at, CHAIN, { snapshots: SNAPSHOTS });
    expect(missed.covered).toBe(249);
    expect(await replay(at, CHAIN, { snapshots: SNAPSHOTS })).toMatchObject({
      state: chainOf(upTo(250)),
      covered: 250,
    });
  });

  test('a snapshot of another version of the reducer is not used', async () => {
    const { at } = bench();
    await appendEvents(at, countedUpTo(200));
    await replay(at, CHAIN, { snapshots: SNAPSHOTS });
    const doubled = {
      initial: { sum: 0 },
      apply: ({ sum }: { sum: number }, event: { type: string }) =>
        event.type === 'Counted' ? { sum: sum + 2 } : { sum },
    };
    const next = await replay(at, doubled, { snapshots: { ...SNAPSHOTS, version: 2 } });
    expect(next.state).toEqual({ sum: 400 });
  });

  test('a snapshot that can not be saved costs nothing but the next replay', async () => {
    const { at, log } = bench();
    await appendEvents(at, countedUpTo(100));
    log.refuseSnapshots();
    const first = await replay(at, CHAIN, { snapshots: SNAPSHOTS });
    const second = await replay(at, CHAIN, { snapshots: SNAPSHOTS });
    expect([first.state, second.state]).toEqual([chainOf(upTo(100)), chainOf(upTo(100))]);
    expect(log.handedOut()).toBe(200);
  });

  test('events are read typed, from a position on', async () => {
    const { at } = bench();
    const placed = { type: 'Placed', data: { item: 'tea' }, token: tokenOf('p'), logicalTime: 7 };
    await appendEvents(at, [counted(1), { ...placed, type: 'Placed' }]);
    const after = { logicalTime: 1, token: tokenOf(1) };
    const read = [];
    for await (const event of readEvents(at, after)) read.push(event);
    expect(read).toEqual([{ ...placed, at: expect.any(Number) as number }]);
  });

  test('an event whose data does not fit is refused, and nothing is appended', async () => {
    const { at, readAll } = bench();
    const wrong = { ...counted(2), data: { number: 'two' } };
    const append = appendEvents(at, [counted(1), wrong as never]);
    await expect(append).rejects.toThrow(/The data of Counted k1_\S+ does not fit its schema/);
    const unknown = appendEvents(at, [counted(1), { ...wrong, type: 'Lost' } as never]);
    await expect(unknown).rejects.toThrow(/Lost is no event of this log/);
    await expect(appendEvents(at, [counted(1, 0.5)])).rejects.toThrow(/no logical time/);
    expect(await readAll()).toEqual([]);
  });

  test('more events than one commit holds are refused, and nothing is appended', async () => {
    const { at, readAll } = bench();
    const append = appendEvents(at, countedUpTo(APPEND_MAX_EVENTS + 1));
    await expect(append).rejects.toThrow(/at most 500 events .* not 501/);
    expect(await readAll()).toEqual([]);
    const { fresh } = await appendEvents(at, countedUpTo(APPEND_MAX_EVENTS));
    expect(fresh).toHaveLength(APPEND_MAX_EVENTS);
  });

  describe('events whose schema has moved on', () => {
    const newer = defineEvents({
      Counted: {
        schema: z.object({ value: z.bigint() }),
        schemaVersion: 2,
        upcasters: { 1: (was) => ({ value: BigInt((was as { number: number }).number) }) },
      },
      Closed: z.object({}),
    });
    const sum = {
      initial: 0n,
      apply: (total: bigint, event: { type: string; data: { value?: bigint } }) =>
        total + (event.data.value ?? 0n),
    };

    test('are replayed in their newest form', async () => {
      const { at } = bench();
      await appendEvents(at, [counted(1), counted(2)]);
      const now = { ...at, events: newer };
      await appendEvents(now, [
        { type: 'Counted', data: { value: 40n }, token: tokenOf(40), logicalTime: 40 },
      ]);
      expect((await replay(now, sum)).state).toBe(43n);
    });

    test('are refused by a build that is too old for them', async () => {
      const { at } = bench();
      const now = { ...at, events: newer };
      const value = { type: 'Counted', data: { value: 4n }, logicalTime: 4 } as const;
      await appendEvents(now, [{ ...value, token: tokenOf(4) }]);
      await expect(replay(at, CHAIN)).rejects.toMatchObject({ code: 'schema_newer' });
      const other = { ...now, root: tokenOf('other') };
      await appendEvents(other, [{ type: 'Closed', data: {}, token: ROOT, logicalTime: 1 }]);
      await expect(replay({ ...at, root: other.root }, CHAIN)).rejects.toThrow(
        /holds Closed .* no definition for/,
      );
    });
  });
}
