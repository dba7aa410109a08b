import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { purgeArchived } from '../../../functions/src/engine/cold-purge.ts';
import type { ArchiveReport } from '../../../functions/src/engine/archive-shard.ts';
import { readCold } from '../../../functions/src/engine/read-cold.ts';
import { restoreOperation } from '../../../functions/src/engine/restore.ts';
import { StoreAway } from '../../../functions/src/operation/errors.ts';
import type { ArchivedRecord } from '../../../functions/src/operation/record.ts';
import { linesOf, parseArchiveLine } from '../../../functions/src/retention/archive-line.ts';
import { BATCH_OPERATIONS } from '../../../functions/src/retention/archive-plan.ts';
import { keyToken } from '../../../functions/src/token/token.ts';
import type { Namespace, Token } from '../../../functions/src/token/token.ts';
import { claimRequest } from '../../support/operation-records.ts';
import { archiveWorld, BY, LIFE, SHOP } from '../../support/archive-world.ts';

test('what has expired moves, answers as before, and leaves its payload nowhere else', async () => {
  const world = archiveWorld();
  const tokens = await world.completed(7);
  world.expire();
  expect(await world.archive()).toMatchObject({ moved: 7, kept: {}, objects: 1, blobs: 0 });
  for (const [index, token] of tokens.entries()) {
    expect(await world.record(token)).toMatchObject({ status: 'archived', outcome: 'completed' });
    expect(JSON.stringify(await world.record(token))).not.toContain(`"index":${index}`);
    expect(await world.answer(token)).toEqual({ index });
  }
});

test('a second run finds nothing to do, and writes nothing', async () => {
  const world = archiveWorld();
  await world.completed(3);
  world.expire();
  await world.archive();
  const report = await world.archive();
  expect(report).toEqual({ moved: 0, kept: {}, objects: 0, bytes: 0, blobs: 0 });
  expect(world.objects.size).toBe(1);
});

test('what has life left, is held, is unsent or is not settled stays untouched', async () => {
  const world = archiveWorld();
  const { store, complete } = world;
  const [held, gone] = await world.completed(2);
  world.expire();
  const fresh = await complete(keyToken(SHOP, 'fresh'), 1);
  await store.override(SHOP, held!, { override: { verb: 'hold' }, ...BY });
  const before = await Promise.all([fresh, held!].map((token) => store.get(SHOP, token)));
  expect(await world.archive()).toMatchObject({ moved: 1, kept: { held: 1 } });
  expect(await Promise.all([fresh, held!].map((token) => store.get(SHOP, token)))).toEqual(before);
  expect(await world.record(gone!)).toMatchObject({ status: 'archived' });

  await store.override(SHOP, held!, { override: { verb: 'unhold' }, ...BY });
  expect(await world.archive()).toMatchObject({ moved: 1, kept: {} });
});

test('a dry run tells the same and writes nothing', async () => {
  const world = archiveWorld();
  const [first, ...rest] = await world.completed(5);
  world.expire();
  await world.store.override(SHOP, first!, { override: { verb: 'hold' }, ...BY });
  const dry = await world.archive(world.runtime, { dryRun: true });
  expect(world.objects.size).toBe(0);
  for (const token of rest)
    expect(await world.record(token)).toMatchObject({ status: 'completed' });
  expect(await world.archive()).toEqual(dry);
});

test('a batch holds a thousand operations, in members of at most 64 KiB that each read alone', async () => {
  const world = archiveWorld();
  const noise = (index: number) => Buffer.from(String(Math.sin(index)).repeat(30)).toString('hex');
  const tokens = await world.completed(BATCH_OPERATIONS + 200, noise);
  world.expire();
  expect(await world.archive()).toMatchObject({ moved: 1_200, objects: 2 });
  const [large] = [...world.objects.values()].toSorted((a, b) => b.operations - a.operations);
  expect(large!.operations).toBe(BATCH_OPERATIONS);
  expect(linesOf(gunzipSync(large!.bytes).toString())).toHaveLength(BATCH_OPERATIONS);

  const pointers = new Map<string, number>();
  for (const token of tokens) {
    const record = await world.record(token);
    if (record.status !== 'archived') throw new Error('It is not archived.');
    const { object, offset, length } = record.pointer;
    expect(length).toBeLessThanOrEqual(64 * 1024);
    pointers.set(`${object} ${offset}`, length);
  }
  const lengths = [...pointers.values()].reduce((sum, length) => sum + length, 0);
  const bytes = [...world.objects.values()].reduce((sum, object) => sum + object.bytes.length, 0);
  expect(lengths).toBe(bytes);
  expect(pointers.size).toBeGreaterThan(10);
});

test('one cold result costs one ranged read of at most 64 KiB of a thousand', async () => {
  const world = archiveWorld();
  const noise = (index: number) => Buffer.from(String(Math.cos(index)).repeat(40)).toString('hex');
  const tokens = await world.completed(BATCH_OPERATIONS, noise);
  world.expire();
  await world.archive();
  world.takeReads();
  for (const token of tokens.slice(0, 50)) {
    await world.answer(token);
    const reads = world.takeReads();
    expect(reads).toHaveLength(1);
    expect(reads[0]).toBeLessThanOrEqual(64 * 1024);
  }
});

test('what does not compress stays below 64 KiB too, and a result that alone is more reads whole', async () => {
  const world = archiveWorld();
  const random = (bytes: number) => {
    const text = Array.from({ length: bytes }, (_, at) => ((at * 2_654_435_761) >>> 7) % 94);
    return String.fromCharCode(...text.map((code) => code + 33));
  };
  const small = await world.completed(40, () => random(6_000));
  const large = await world.complete(keyToken(SHOP, 'large'), random(100_000));
  world.expire();
  await world.archive();
  for (const token of small) {
    const record = await world.record(token);
    expect(record.status === 'archived' && record.pointer.length).toBeLessThanOrEqual(65_536);
  }
  expect(await world.answer(large)).toBe(random(100_000));
});

test('a run out of time finishes its batch and says where to go on', async () => {
  const world = archiveWorld();
  const tokens = await world.completed(600);
  world.expire();
  const { clock } = world;
  const slow = {
    ...world.runtime,
    store: {
      ...world.store,
      expired: (...asked: Parameters<typeof world.store.expired>) => {
        clock.advance(1_000);
        return world.store.expired(...asked);
      },
    },
  };
  const first = await world.archive(slow, { budgetMs: 500 });
  expect(first.moved).toBeGreaterThan(0);
  expect(first.moved).toBeLessThan(600);
  const rest = await world.archive(world.runtime, { after: first.next! });
  expect(first.moved + rest.moved).toBe(600);
  expect(rest.next).toBeUndefined();
  for (const token of tokens)
    expect(await world.record(token)).toMatchObject({ status: 'archived' });
});

test('what expires while a run goes on is left to the next one', async () => {
  const world = archiveWorld();
  const [token] = await world.completed(1);
  const until = world.clock.now() + LIFE.ttlMs - 1;
  world.expire();
  expect(await world.archive(world.runtime, { until })).toMatchObject({ moved: 0 });
  expect(await world.record(token!)).toMatchObject({ status: 'completed' });
});

test('of several runs at once each operation is counted as moved by one', async () => {
  const world = archiveWorld();
  const tokens = await world.completed(60);
  world.expire();
  const reports = await Promise.all([1, 2, 3].map(() => world.archive(world.runtimeOf())));
  const sum = (count: (report: (typeof reports)[number]) => number | undefined) =>
    reports.reduce((total, report) => total + (count(report) ?? 0), 0);
  expect(sum(({ moved }) => moved)).toBe(60);
  expect(sum(({ kept }) => kept.archived)).toBe(120);
  for (const [index, token] of tokens.entries()) {
    expect(await world.answer(token)).toEqual({ index });
  }
});

test('a stub whose answer was lost is counted as moved', async () => {
  const world = archiveWorld();
  await world.completed(5);
  world.expire();
  let writes = 0;
  const losing = world.runtimeOf({
    documents: (real) => ({
      ...real,
      async update(...asked) {
        const answer = await real.update(...asked);
        writes += 1;
        if (writes === 2) throw new StoreAway('The answer was lost.');
        return answer;
      },
    }),
  });
  expect(await world.archive(losing)).toMatchObject({ moved: 5, kept: {} });
});

test('a run that fails tells what it moved until then', async () => {
  const world = archiveWorld();
  await world.completed(30);
  world.expire();
  let writes = 0;
  const failing = world.runtimeOf({
    documents: (real) => ({
      ...real,
      async update(...asked) {
        writes += 1;
        if (writes === 20) throw new Error('No route.');
        return real.update(...asked);
      },
    }),
  });
  const reports: ArchiveReport[] = [];
  const run = world.archive(failing, { progress: (report) => void reports.push(report) });
  await expect(run).rejects.toThrow('No route.');
  expect(reports.at(-1)).toMatchObject({ moved: 29, objects: 1 });
});

test('another content under the name of a batch keeps that batch hot and no other', async () => {
  const world = archiveWorld();
  await world.completed(BATCH_OPERATIONS + 100);
  world.expire();
  const names: string[] = [];
  const looking = world.runtimeOf({
    cold: (real) => ({
      ...real,
      async put({ name }) {
        names.push(name);
        throw new Error('Only looked.');
      },
    }),
  });
  await expect(world.archive(looking)).rejects.toThrow('Only looked.');
  const foreign = { name: names[0]!, bytes: Buffer.from('other'), schema: 's', operations: 1 };
  await world.cold.put(foreign);

  const events: unknown[][] = [];
  const telemetry = { decision() {}, event: (...event: unknown[]) => void events.push(event) };
  const report = await world.archive({ ...world.runtime, telemetry });
  expect(report).toMatchObject({ moved: 100, kept: { unmovable: BATCH_OPERATIONS }, objects: 1 });
  expect(events).toEqual([
    ['ERROR', expect.any(String), expect.objectContaining({ object: foreign.name })],
  ]);
  await world.cold.delete(foreign.name);
  expect(await world.archive()).toMatchObject({ moved: BATCH_OPERATIONS, kept: {} });
});

test('a payload spilled to a blob follows its operation, and is read from wherever it is', async () => {
  const world = archiveWorld();
  const large = 'ü'.repeat(400_000);
  const [token] = await world.completed(1, () => large);
  expect(world.hotBlobs.names()).toHaveLength(1);
  const hot = await world.record(token!);
  world.expire();
  expect(await world.archive()).toMatchObject({ moved: 1, blobs: 1 });
  expect(world.hotBlobs.names()).toEqual([]);
  expect(await world.answer(token!)).toBe(large);
  // A warm instance still holds the record of before.
  expect(hot).toMatchObject({ status: 'completed', result: { kind: 'blob' } });
  const { name } = (hot as { result: { name: string } }).result;
  expect(await world.runtime.blobs.get(name)).toHaveLength(
    Buffer.byteLength(JSON.stringify(large)),
  );
});

test('a run that was stopped in the midst of a batch writes no more of its stubs once it goes on', async () => {
  const world = archiveWorld();
  const tokens = await world.completed(6, (index) => ({ index }));
  world.expire();
  let stubs = 0;
  let purged: Token | undefined;
  const purges: string[] = [];
  const stopped = world.runtimeOf({
    documents: (real) => ({
      ...real,
      async update(...asked) {
        const answer = await real.update(...asked);
        stubs += 1;
        if (stubs !== 2) return answer;
        // Meanwhile what it archived can be purged, and its object goes.
        world.clock.advance(2 * 3_600_000);
        const records = await Promise.all(tokens.map((token) => world.record(token)));
        purged = records.find(({ status }) => status === 'archived')!.token;
        const { runtime } = world;
        const request = { namespace: SHOP, token: purged, ...BY };
        purges.push((await purgeArchived(runtime, runtime.cold, request)).kind);
        return answer;
      },
    }),
  });
  expect(await world.archive(stopped, { lanes: 1 })).toMatchObject({
    moved: 2,
    kept: { stale: 4 },
  });
  expect(purges).toEqual(['purged']);
  expect(await world.archive()).toMatchObject({ moved: 4 });
  const answers = await Promise.all(
    tokens.map((token) => world.answer(token).catch(() => 'purged')),
  );
  const expected = tokens.map((token, index) => (token === purged ? 'purged' : { index }));
  expect(answers).toEqual(expected);
});

test('a blob that can never be moved keeps its own operation hot and no other, and is reported', async () => {
  const world = archiveWorld();
  const large = 'ü'.repeat(400_000);
  const tokens = await world.completed(5, (index) => (index % 2 === 1 ? large + index : { index }));
  const { result } = (await world.record(tokens[1]!)) as { result: { name: string } };
  world.expire();
  const events: unknown[][] = [];
  const archiver = {
    ...world.runtime,
    blobs: {
      ...world.runtime.blobs,
      async get(name: string) {
        if (name === result.name) throw new Error('File size is greater than 2 GiB.');
        return world.runtime.blobs.get(name);
      },
    },
    telemetry: { decision() {}, event: (...event: unknown[]) => void events.push(event) },
  };
  expect(await world.archive(archiver)).toMatchObject({
    moved: 4,
    kept: { unmovable: 1 },
    blobs: 1,
  });
  expect(await world.record(tokens[1]!)).toMatchObject({ status: 'completed' });
  for (const [index, token] of tokens.entries()) {
    expect(await world.answer(token)).toEqual(index % 2 === 1 ? large + index : { index });
  }
  expect(await world.exported()).toHaveLength(4);
  const [[severity, , fields]] = events as [[string, string, object]];
  expect([events.length, severity]).toEqual([1, 'ERROR']);
  expect(fields).toMatchObject({
    token: expect.stringMatching(/^h1_/),
    error: expect.stringContaining('2 GiB'),
  });
  expect(JSON.stringify(events)).not.toContain(tokens[1]);

  expect(await world.archive()).toMatchObject({ moved: 1, kept: {} });
  expect(await world.answer(tokens[1]!)).toBe(`${large}1`);
});

test('a failure comes back with its error, a cancellation with its reason', async () => {
  const world = archiveWorld();
  const { store } = world;
  const [failed, cancelled] = ['failed', 'cancelled'].map((key) => keyToken(SHOP, key));
  const madeAt = Math.floor(world.clock.now());
  const error = { code: 'declined', message: 'No cover.', retryable: false };
  const asked = claimRequest({ token: failed!, root: failed!, madeAt, retention: LIFE });
  const answer = await store.claim(asked);
  if (answer.kind === 'claimed') await store.fail(answer.claim, error);
  await store.cancel(claimRequest({ token: cancelled!, madeAt, retention: LIFE }), 'customer left');
  world.expire();
  expect(await world.archive()).toMatchObject({ moved: 2 });
  const cold = async (token: Token) =>
    readCold(world.runtime, (await world.record(token)) as ArchivedRecord);
  expect(await cold(failed!)).toMatchObject({ status: 'failed', error });
  expect(await cold(cancelled!)).toMatchObject({ status: 'cancelled', reason: 'customer left' });
});

test('what has follow-ups to publish stays, however old, and goes once they are out', async () => {
  const world = archiveWorld();
  const { store } = world;
  const token = keyToken(SHOP, 'unsent');
  const madeAt = Math.floor(world.clock.now());
  const answer = await store.claim(claimRequest({ token, root: token, madeAt, retention: LIFE }));
  if (answer.kind !== 'claimed') throw new Error('Not claimed.');
  const inline = { kind: 'inline', text: '[]' } as const;
  const settled = await store.complete(answer.claim, { result: inline, outbox: inline });
  world.expire();
  expect(await world.archive()).toMatchObject({ moved: 0, kept: { unsent: 1 } });
  await store.markSent(SHOP, token, settled.kind === 'settled' ? settled.revision : '');
  expect(await world.archive()).toMatchObject({ moved: 1 });
});

test('the export has each archived operation of a namespace once, and nothing that is hot', async () => {
  const world = archiveWorld();
  const tokens = await world.completed(5);
  await world.complete(keyToken('bank' as Namespace, 'theirs'), 1, {
    namespace: 'bank' as Namespace,
  });
  world.expire();
  await world.archive();
  const hot = await world.complete(keyToken(SHOP, 'hot'), 1);
  const exported = await world.exported();
  expect(exported.map(({ token }) => token).toSorted()).toEqual([...tokens].toSorted());
  expect(exported.map(({ token }) => token)).not.toContain(hot);
  for (const line of exported) expect(parseArchiveLine(JSON.stringify(line))).toEqual(line);
  expect(await world.exported('bank' as Namespace)).toHaveLength(1);
});

test('a restored operation leaves the export, and comes back once when it is archived again', async () => {
  const world = archiveWorld();
  const tokens = await world.completed(3);
  world.expire();
  await world.archive();
  const answer = await restoreOperation(world.runtime, SHOP, tokens[1]!, BY);
  expect(answer).toMatchObject({ kind: 'restored', found: { record: { status: 'completed' } } });
  expect(await world.answer(tokens[1]!)).toEqual({ index: 1 });
  const names = (lines: { token: Token }[]) => lines.map(({ token }) => token).toSorted();
  expect(names(await world.exported())).toEqual([tokens[0]!, tokens[2]!].toSorted());

  world.expire();
  expect(await world.archive()).toMatchObject({ moved: 1 });
  expect(names(await world.exported())).toEqual([...tokens].toSorted());
  expect(world.objects.size).toBe(2);
});
