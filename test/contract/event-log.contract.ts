import { describe, expect, test } from 'vitest';
import { keyToken } from '../../functions/src/token/token.ts';
import { comparePositions, EVENT_MAX_BYTES } from '../../functions/src/workflow/event.ts';
import { eventBenchFor, logged, ROOT, SHOP, shuffled, tokenOf } from './event-log-fixture.ts';
import type { EventBackend } from './event-log-fixture.ts';
import { replayContract } from './event-log-replays.ts';

/** What every event log promises, whatever it is made of. */
export function eventLogContract(backend: EventBackend): void {
  describe(`event log: ${backend.name}`, () => {
    appendContract(backend);
    snapshotContract(backend);
    replayContract(backend);
  });
}

function appendContract(backend: EventBackend): void {
  const bench = eventBenchFor(backend);

  test('events are read by logical time, then token, in whatever order they came', async () => {
    const { log, readAll } = bench();
    const events = Array.from({ length: 20 }, (_, index) => logged(index, index % 7));
    for (const event of shuffled(events)) await log.append(SHOP, ROOT, [event]);
    const inOrder = events.toSorted(comparePositions);
    for (const limit of [500, 20, 9]) {
      expect(await readAll(limit)).toMatchObject(inOrder);
    }
    const tenth = inOrder[9]!;
    const { events: tail } = await log.read(SHOP, ROOT, { limit: 100, after: tenth });
    expect(tail).toMatchObject(inOrder.slice(10));
  });

  test('an empty log is read as empty', async () => {
    expect(await bench().log.read(SHOP, ROOT, { limit: 10 })).toEqual({ events: [] });
  });

  test('a token that the log holds folds away, and the first event of it stays', async () => {
    const { log, readAll } = bench();
    const first = logged('a', 5, '{"first":true}');
    expect(await log.append(SHOP, ROOT, [first])).toEqual({ fresh: [tokenOf('a')] });
    expect(await log.append(SHOP, ROOT, [first])).toEqual({ fresh: [] });
    const otherwise = { ...logged('a', 9, '{"first":false}'), type: 'Other' };
    const mixed = [logged('b', 6), otherwise, logged('c', 7), logged('c', 8)];
    expect(await log.append(SHOP, ROOT, mixed)).toEqual({ fresh: [tokenOf('b'), tokenOf('c')] });
    expect(await readAll()).toMatchObject([first, logged('b', 6), logged('c', 7)]);
  });

  test('roots and namespaces have logs of their own', async () => {
    const { log, readAll } = bench();
    await log.append(SHOP, ROOT, [logged('a', 1)]);
    const otherRoot = keyToken(SHOP, 'workflow-2');
    const bank = 'bank' as typeof SHOP;
    expect(await log.append(SHOP, otherRoot, [logged('a', 2)])).toEqual({ fresh: [tokenOf('a')] });
    expect(await log.append(bank, ROOT, [logged('a', 3)])).toEqual({ fresh: [tokenOf('a')] });
    expect(await readAll()).toMatchObject([logged('a', 1)]);
    expect(await log.read(SHOP, otherRoot, { limit: 9 })).toMatchObject({
      events: [logged('a', 2)],
    });
    expect(await log.read(bank, ROOT, { limit: 9 })).toMatchObject({ events: [logged('a', 3)] });
  });

  test('of appenders at once that share their events, each event has one who added it', async () => {
    const { log, readAll } = bench();
    const events = Array.from({ length: 40 }, (_, index) => logged(index, index));
    const shares = Array.from({ length: 20 }, (_, index) =>
      shuffled(events, index + 1).slice(0, 15),
    );
    const answers = await Promise.all(shares.map((share) => log.append(SHOP, ROOT, share)));
    const fresh = answers.flatMap((answer) => answer.fresh);
    expect(new Set(fresh).size).toBe(fresh.length);
    const shared = events.filter((event) => shares.some((share) => share.includes(event)));
    expect(fresh.toSorted()).toEqual(shared.map(({ token }) => token).toSorted());
    expect(await readAll()).toMatchObject(shared);
  });

  test('the largest event that is allowed is kept', async () => {
    const { log, readAll } = bench();
    const large = logged('large', 1, JSON.stringify('x'.repeat(EVENT_MAX_BYTES - 2)));
    await log.append(SHOP, ROOT, [large]);
    expect(await readAll()).toMatchObject([large]);
  });
}

function snapshotContract(backend: EventBackend): void {
  const bench = eventBenchFor(backend);
  const position = { logicalTime: 4, token: tokenOf(2) };
  const snapshot = { position, covered: 3, text: '{"state":"after three"}' };

  /** Three events with a snapshot of them, and one more. */
  async function withSnapshot() {
    const opened = bench();
    const { log } = opened;
    const events = [logged(0, 1), logged(1, 2), logged(2, 4), logged(3, 5)];
    await log.append(SHOP, ROOT, events);
    await log.saveSnapshot(SHOP, ROOT, 'total@1', snapshot);
    return opened;
  }

  test('a snapshot that has taken in all up to its position is loaded', async () => {
    const { log } = await withSnapshot();
    expect(await log.loadSnapshot(SHOP, ROOT, 'total@1')).toEqual(snapshot);
    await log.append(SHOP, ROOT, [logged('ahead', 9), logged(2, 4), logged(0, 1)]);
    expect(await log.loadSnapshot(SHOP, ROOT, 'total@1')).toEqual(snapshot);
  });

  test('it is found under its own reducer, root and namespace only', async () => {
    const { log } = await withSnapshot();
    expect(await log.loadSnapshot(SHOP, ROOT, 'total@2')).toBeUndefined();
    expect(await log.loadSnapshot(SHOP, tokenOf('root'), 'total@1')).toBeUndefined();
    expect(await log.loadSnapshot('bank' as typeof SHOP, ROOT, 'total@1')).toBeUndefined();
  });

  test('it is never loaded again once an event was appended behind it', async () => {
    const { log } = await withSnapshot();
    await log.append(SHOP, ROOT, [logged('late', 3)]);
    expect(await log.loadSnapshot(SHOP, ROOT, 'total@1')).toBeUndefined();
  });

  test('at its own logical time, an event behind it is told from one ahead by the token', async () => {
    const { log } = await withSnapshot();
    const atThatTime = Array.from({ length: 40 }, (_, index) => logged(`tie-${index}`, 4));
    const ahead = atThatTime.find((event) => event.token > position.token)!;
    const behind = atThatTime.find((event) => event.token < position.token)!;
    await log.append(SHOP, ROOT, [ahead]);
    expect(await log.loadSnapshot(SHOP, ROOT, 'total@1')).toEqual(snapshot);
    await log.append(SHOP, ROOT, [behind]);
    expect(await log.loadSnapshot(SHOP, ROOT, 'total@1')).toBeUndefined();
  });

  test('a later snapshot replaces it', async () => {
    const { log } = await withSnapshot();
    const later = { position: { logicalTime: 5, token: tokenOf(3) }, covered: 4, text: '4' };
    await log.saveSnapshot(SHOP, ROOT, 'total@1', later);
    expect(await log.loadSnapshot(SHOP, ROOT, 'total@1')).toEqual(later);
  });
}
