import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { guardCall } from '../../../functions/src/engine/once.ts';
import { restoreOperation } from '../../../functions/src/engine/restore.ts';
import { StoreAway } from '../../../functions/src/operation/errors.ts';
import type { StoredOperation, TerminalRecord } from '../../../functions/src/operation/record.ts';
import type { ColdStorage } from '../../../functions/src/ports/cold-storage.ts';
import type { OperationDocuments } from '../../../functions/src/ports/operation-documents.ts';
import { keyToken } from '../../../functions/src/token/token.ts';
import type { Token } from '../../../functions/src/token/token.ts';
import { archiveWorld, BY, LIFE, SHOP } from '../../support/archive-world.ts';
import type { ArchiveWorld, Reach } from '../../support/archive-world.ts';
import { faultyDocuments } from '../../support/faulty-documents.ts';
import type { WriteFate } from '../../support/faulty-documents.ts';
import { seededRandom } from '../../support/seeded-random.ts';

const LARGE = 'ü'.repeat(200_000);

/** Six settled operations, one of them with a payload in a blob; all of them expired. */
async function expired(): Promise<{ world: ArchiveWorld; tokens: Token[] }> {
  const world = archiveWorld();
  const tokens = await world.completed(6, (index) => (index === 2 ? LARGE : { index }));
  world.expire();
  return { world, tokens };
}

/** Everything answers, and in the export is what is archived, once. */
async function expectWhole({ world, tokens }: Awaited<ReturnType<typeof expired>>): Promise<void> {
  const archived: Token[] = [];
  for (const [index, token] of tokens.entries()) {
    expect(await world.answer(token)).toEqual(index === 2 ? LARGE : { index });
    if ((await world.record(token)).status === 'archived') archived.push(token);
  }
  const exported = (await world.exported()).map(({ token }) => token);
  expect(exported.toSorted()).toEqual(archived.toSorted());
}

type Around = <Answer>(call: () => Promise<Answer>) => Promise<Answer>;

/** Comes between a process and every answer that it waits for. */
function around(call: Around): Reach & { blobs: (world: ArchiveWorld) => ArchiveWorld['runtime'] } {
  const documents = (real: OperationDocuments): OperationDocuments => ({
    ...real,
    update: (...asked) => call(() => real.update(...asked)),
    read: (...asked) => call(() => real.read(...asked)),
    select: (...asked) => call(() => real.select(...asked)),
  });
  const cold = (real: ColdStorage): ColdStorage => ({
    ...real,
    put: (object) => call(() => real.put(object)),
    read: (...asked) => call(() => real.read(...asked)),
    delete: (name) => call(() => real.delete(name)),
  });
  return {
    documents,
    cold,
    blobs(world) {
      const runtime = world.runtimeOf({ documents, cold });
      const { blobs } = runtime;
      return {
        ...runtime,
        blobs: {
          ...blobs,
          get: (name) => call(() => blobs.get(name)),
          delete: (name) => call(() => blobs.delete(name)),
        },
      };
    },
  };
}

/** Calls that an archiver of {@link expired} waits for. */
async function callsOfARun(): Promise<number> {
  let calls = 0;
  const { world } = await expired();
  await world.archive(around((call) => ((calls += 1), call())).blobs(world));
  return calls;
}

const CALLS = await callsOfARun();

test('an archiver waits for one query, a blob’s move, one object and a write for each record', () => {
  // Query; blob read, copied and deleted; object; six stubs.
  expect(CALLS).toBe(1 + 3 + 1 + 6);
});

describe.each(['before it is done', 'with its answer under way'])('killed at a call %s', (when) => {
  test.each(Array.from({ length: CALLS }, (_, at) => at + 1))(
    'number %d: everything answers, and the next run ends it',
    async (at) => {
      const all = await expired();
      const { world, tokens } = all;
      let calls = 0;
      const dead = new Promise<never>(() => {});
      const { promise: killed, resolve: kill } = Promise.withResolvers<void>();
      const dying = around(async (call) => {
        calls += 1;
        if (calls < at) return call();
        if (calls === at && when !== 'before it is done') await call();
        kill();
        return dead;
      });
      void world.archive(dying.blobs(world));
      await killed;
      await turn();
      await expectWhole(all);
      await world.archive();
      for (const token of tokens) expect((await world.record(token)).status).toBe('archived');
      await expectWhole(all);
      expect(world.hotBlobs.names()).toEqual([]);
    },
  );
});

test('at every moment of a run everything answers, and a late claim runs nothing', async () => {
  const all = await expired();
  const { world } = all;
  let looks = 0;
  const looking = around(async (call) => {
    await look();
    const answer = await call();
    await look();
    return answer;
  });
  await world.archive(looking.blobs(world), { lanes: 1 });
  expect(looks).toBe(2 * CALLS);

  async function look(): Promise<void> {
    looks += 1;
    await expectWhole(all);
    for (const token of all.tokens) {
      const request = { claimId: `late ${looks}`, leaseMs: 1_000, holder: 'message:late' };
      const claim = await world.store.claim({ facts: await world.record(token), ...request });
      expect(claim.kind).toBe('replayed');
    }
  }
});

test.each(Array.from({ length: 40 }, (_, seed) => seed))(
  'two runs at once leave each operation archived once, seed %d',
  async (seed) => {
    const all = await expired();
    const { world, tokens } = all;
    const random = seededRandom(seed);
    const dawdling = around(async (call) => {
      for (let turns = Math.floor(random() * 4); turns > 0; turns -= 1) await Promise.resolve();
      const answer = await call();
      for (let turns = Math.floor(random() * 4); turns > 0; turns -= 1) await Promise.resolve();
      return answer;
    });
    const lanes = 1 + Math.floor(random() * 6);
    await Promise.all([
      world.archive(dawdling.blobs(world), { lanes }),
      world.archive(dawdling.blobs(world)),
    ]);
    for (const token of tokens) expect((await world.record(token)).status).toBe('archived');
    await expectWhole(all);
  },
);

describe.each<WriteFate>(['answer lost', 'request lost', 'repeated'])('%s', (fate) => {
  test.each([1, 2, 3, 4, 5, 6])(
    'of stub number %d: it is found out, and none is lost',
    async (at) => {
      const all = await expired();
      const { world } = all;
      let writes = 0;
      const documents = (real: OperationDocuments): OperationDocuments => {
        const faulty = faultyDocuments(real);
        return {
          ...faulty,
          update(...asked) {
            writes += 1;
            if (writes === at) faulty.befall(fate);
            return faulty.update(...asked);
          },
        };
      };
      const report = await world.archive(world.runtimeOf({ documents }));
      // Of a write that comes twice the second finds the first, and can't know it for this run's.
      const sure = fate !== 'repeated';
      expect(report).toMatchObject(
        sure ? { moved: 6, kept: {} } : { moved: 5, kept: { archived: 1 } },
      );
      await expectWhole(all);
    },
  );

  test('of the object: the run may fail, and the next one ends it', async () => {
    const all = await expired();
    const { world } = all;
    let puts = 0;
    const cold = (real: ColdStorage): ColdStorage => ({
      ...real,
      async put(object) {
        puts += 1;
        if (puts !== 2) return real.put(object);
        if (fate !== 'request lost') await real.put(object);
        if (fate === 'repeated') return real.put(object);
        throw new Error('socket hang up');
      },
    });
    const first = world.archive(world.runtimeOf({ cold }));
    const failure = await first.then(() => 'none', String);
    expect(failure).toBe(fate === 'repeated' ? 'none' : 'Error: socket hang up');
    await expectWhole(all);
    await world.archive();
    for (const token of all.tokens) expect((await world.record(token)).status).toBe('archived');
    await expectWhole(all);
    // The same batch is the same object.
    expect([...world.objects.keys()].filter((name) => name.startsWith('operations/'))).toHaveLength(
      1,
    );
  });
});

test('with cold storage away nothing is lost, and nothing is archived', async () => {
  const all = await expired();
  const { world } = all;
  const put = async (): Promise<never> => {
    throw new Error('503');
  };
  const away = world.runtimeOf({ cold: (real) => ({ ...real, put }) });
  await expect(world.archive(away)).rejects.toThrow('503');
  for (const token of all.tokens) expect((await world.record(token)).status).toBe('completed');
  await expectWhole(all);
});

test('with cold storage away at a late call, nothing runs a second time', async () => {
  const world = archiveWorld();
  let ran = 0;
  const ask = (runtime: ArchiveWorld['runtime']) =>
    guardCall(
      runtime,
      {
        namespace: SHOP,
        action: 'a.b',
        params: {},
        key: 'k',
        effect: 'idempotent',
        retention: LIFE,
      },
      () => (ran += 1),
    );
  expect(await ask(world.runtime)).toEqual({ result: 1, replayed: false });
  world.expire();
  await world.archive();
  const read = async (): Promise<never> => {
    throw new Error('503');
  };
  await expect(ask(world.runtimeOf({ cold: (real) => ({ ...real, read }) }))).rejects.toThrow(
    '503',
  );
  expect(await ask(world.runtimeOf())).toEqual({ result: 1, replayed: true });
  expect(ran).toBe(1);
});

test('with the store away in the midst of it, the rest is archived by the next run', async () => {
  const all = await expired();
  const { world } = all;
  let writes = 0;
  const documents = (real: OperationDocuments): OperationDocuments => ({
    ...real,
    async update(...asked) {
      writes += 1;
      if (writes > 2) throw new StoreAway('No route.');
      return real.update(...asked);
    },
  });
  await expect(world.archive(world.runtimeOf({ documents }))).rejects.toBeInstanceOf(StoreAway);
  await expectWhole(all);
  expect(await world.archive()).toMatchObject({ moved: 4 });
  await expectWhole(all);
});

describe.each(['slide', 'extend', 'hold', 'restore'] as const)(
  'a %s between copy and stub',
  (verb) => {
    test('wins: the operation stays as it was made, and the copy is ignored', async () => {
      const all = await expired();
      const { world, tokens } = all;
      const { store } = world;
      const [token] = tokens as [Token];
      const cold = (real: ColdStorage): ColdStorage => ({
        ...real,
        async put(object) {
          const answer = await real.put(object);
          if (object.name.startsWith('operations/')) await between();
          return answer;
        },
      });
      const report = await world.archive(world.runtimeOf({ cold }));
      const others = verb === 'restore' ? { archived: 5 } : {};
      expect(report).toMatchObject({
        moved: verb === 'restore' ? 0 : 5,
        kept: { touched: 1, ...others },
      });
      expect((await world.record(token)).status).toBe('completed');
      await expectWhole(all);

      async function between(): Promise<void> {
        const found = (await store.get(SHOP, token)) as StoredOperation<TerminalRecord>;
        if (verb === 'slide') await store.slide(found);
        else if (verb === 'restore') {
          // Another run was quicker, and a person quicker still.
          await world.archive();
          await restoreOperation(world.runtime, SHOP, token, BY);
        } else {
          const override = verb === 'hold' ? { verb } : { verb, byMs: 60_000 };
          await store.override(SHOP, token, { override, ...BY });
        }
      }
    });
  },
);

test('an operation that is found twice in a run is copied anew, not twice into one object', async () => {
  const world = archiveWorld();
  const [token] = await world.completed(1);
  world.expire();
  let first = true;
  const store: ArchiveWorld['store'] = {
    ...world.store,
    async expired(...asked) {
      const { operations } = await world.store.expired(...asked);
      if (!first) return { operations };
      first = false;
      await world.store.override(SHOP, token!, { override: { verb: 'expire' }, ...BY });
      return { operations, next: '[0,""]' };
    },
  };
  const report = await world.archive({ ...world.runtime, store });
  expect(report).toMatchObject({ moved: 1, kept: { touched: 1 }, objects: 2 });
  expect(await world.exported()).toHaveLength(1);
  expect(await world.answer(token!)).toEqual({ index: 0 });
  expect(keyToken(SHOP, 'old-0')).toBe(token);
});
