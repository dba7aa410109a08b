import { setImmediate as turn } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { purgeArchived } from '../../../functions/src/engine/cold-purge.ts';
import { isEarlierVersion } from '../../../functions/src/retention/archive-plan.ts';
import type { Token } from '../../../functions/src/token/token.ts';
import { archiveWorld, BY, SHOP } from '../../support/archive-world.ts';
import type { ArchiveWorld } from '../../support/archive-world.ts';
import { seededRandom } from '../../support/seeded-random.ts';

const HOUR_MS = 3_600_000;
/** Of these many operations in one object, the first ones are purged. */
const OPERATIONS = 6;
const secretOf = (index: number): string => `card ${4_000 + index}`;

const PURGED = 'PayloadGone: The payload was purged by an operator.';

interface All {
  readonly world: ArchiveWorld;
  readonly tokens: readonly Token[];
}

async function archived(): Promise<All> {
  const world = archiveWorld();
  const tokens = await world.completed(OPERATIONS, secretOf);
  world.expire();
  await world.archive();
  world.clock.advance(2 * HOUR_MS);
  return { world, tokens };
}

/** Comes before and after every call of a process. */
type Between = () => Promise<void>;

function reaching(world: ArchiveWorld, between: Between): ArchiveWorld['runtime'] {
  async function call<Answer>(made: () => Promise<Answer>): Promise<Answer> {
    await between();
    const answer = await made();
    await between();
    return answer;
  }
  return world.runtimeOf({
    documents: (real) => ({
      ...real,
      update: (...asked) => call(() => real.update(...asked)),
      read: (...asked) => call(() => real.read(...asked)),
    }),
    cold: (real) => ({
      ...real,
      put: (object) => call(() => real.put(object)),
      read: (...asked) => call(() => real.read(...asked)),
      delete: (name) => call(() => real.delete(name)),
      async *list(prefix) {
        await between();
        yield* real.list(prefix);
      },
    }),
  });
}

const purge = (runtime: ArchiveWorld['runtime'], token: Token | undefined) =>
  purgeArchived(runtime, runtime.cold, { namespace: SHOP, token: token!, ...BY });

/** The first `purged` operations' payloads are nowhere, and everything else is as it was. */
async function expectPurged({ world, tokens }: All, purged: number): Promise<void> {
  const objects = [...world.objects.values()].map(({ bytes }) => gunzipSync(bytes).toString());
  const held = tokens.map((_, index) => objects.some((text) => text.includes(secretOf(index))));
  expect(held).toEqual(tokens.map((_, index) => index >= purged));
  const answers = tokens.map((token) => world.answer(token).catch(String));
  expect(await Promise.all(answers)).toEqual(
    tokens.map((_, index) => (index < purged ? PURGED : secretOf(index))),
  );
  const exported = await world.exported();
  expect(exported.map(({ token }) => token).toSorted()).toEqual(tokens.toSorted());
}

test('a purge that is held at any moment while another one runs leaves no payload of either', async () => {
  let moments = Infinity;
  for (let moment = 0; moment < moments; moment += 1) {
    const all = await archived();
    const { world, tokens } = all;
    let passed = 0;
    const held = reaching(world, async () => {
      passed += 1;
      if (passed === moment + 1) await purge(world.runtime, tokens[1]);
    });
    expect(await purge(held, tokens[0])).toMatchObject({ kind: 'purged' });
    if (passed <= moment) moments = moment;
    else await expectPurged(all, 2);
  }
  expect(moments).toBeGreaterThan(30);
});

test.each(Array.from({ length: 60 }, (_, seed) => seed))(
  'four purges at once leave none of the four payloads, and every neighbour its own, seed %d',
  async (seed) => {
    const random = seededRandom(seed);
    const all = await archived();
    const { world, tokens } = all;
    const dawdle: Between = async () => {
      for (let turns = Math.floor(random() ** 3 * 40); turns > 0; turns -= 1) await turn();
    };
    const answers = await Promise.all(
      tokens.slice(0, 4).map(async (token) => {
        await dawdle();
        return purge(reaching(world, dawdle), token);
      }),
    );
    expect(answers.map(({ kind }) => kind)).toEqual(Array(4).fill('purged'));
    await expectPurged(all, 4);
  },
);

test('one after the other, neighbours in an object are purged without a wait between', async () => {
  const all = await archived();
  for (const token of all.tokens.slice(0, 3)) {
    expect(await purge(all.world.runtime, token)).toMatchObject({ kind: 'purged', rewritten: 1 });
    all.world.clock.advance(60_000);
  }
  await expectPurged(all, 3);
});

test('objects that hold nothing at all disturb neither a purge nor an export', async () => {
  const all = await archived();
  const empty = { bytes: new Uint8Array(), schema: 'agent-once/archive@1', operations: 0 };
  await all.world.cold.put({ name: 'operations/0000/empty.ndjson.gz', ...empty });
  expect(await purge(all.world.runtime, all.tokens[0])).toMatchObject({ kind: 'purged' });
  expect(await all.world.exported()).toHaveLength(OPERATIONS);
});

test('a stub never moves to an earlier version of its object', async () => {
  const all = await archived();
  const places: string[][] = all.tokens.map(() => []);
  const look = async () => {
    for (const [index, token] of all.tokens.entries()) {
      const record = await all.world.record(token);
      if (record.status !== 'archived') continue;
      if (places[index]!.at(-1) !== record.pointer.object)
        places[index]!.push(record.pointer.object);
    }
  };
  await Promise.all(all.tokens.slice(0, 3).map((token) => purge(reaching(all.world, look), token)));
  await look();
  for (const passed of places) {
    expect(passed.length).toBeGreaterThan(1);
    for (const [at, name] of passed.slice(1).entries()) {
      expect(isEarlierVersion(passed[at]!, name)).toBe(true);
    }
  }
});
