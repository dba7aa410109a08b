import { expect, test } from 'vitest';
import { exportArchive } from '../../../functions/src/engine/export-archive.ts';
import { purgeArchived } from '../../../functions/src/engine/cold-purge.ts';
import { restoreOperation } from '../../../functions/src/engine/restore.ts';
import type { ColdEntry, ColdStorage } from '../../../functions/src/ports/cold-storage.ts';
import { keyToken } from '../../../functions/src/token/token.ts';
import type { Token } from '../../../functions/src/token/token.ts';
import { archiveWorld, BY, SHOP } from '../../support/archive-world.ts';
import type { ArchiveWorld } from '../../support/archive-world.ts';

/** Three objects of four operations each, archived long ago. */
async function archived(): Promise<{ world: ArchiveWorld; tokens: Token[] }> {
  const world = archiveWorld();
  const tokens: Token[] = [];
  for (const batch of ['a', 'b', 'c']) {
    for (let index = 0; index < 4; index += 1) {
      tokens.push(await world.complete(keyToken(SHOP, `${batch}-${index}`), { batch, index }));
    }
    world.expire();
    await world.archive();
  }
  expect(world.objects.size).toBe(3);
  world.clock.advance(5 * 3_600_000);
  return { world, tokens };
}

/** Exports, and does something once so many operations are given out or objects looked for. */
async function exportedWith(
  world: ArchiveWorld,
  moment: { readonly given?: number; readonly read?: number },
  meanwhile: () => Promise<void>,
  from: ColdStorage = world.cold,
): Promise<Token[]> {
  const given: Token[] = [];
  let reads = 0;
  const cold = {
    ...from,
    async read(name: string) {
      reads += 1;
      if (reads === moment.read) await meanwhile();
      return world.cold.read(name);
    },
  };
  for await (const { token } of exportArchive(world.runtime, cold, SHOP)) {
    given.push(token);
    if (given.length === moment.given) await meanwhile();
  }
  return given;
}

const purge = ({ runtime }: ArchiveWorld, token: Token) =>
  purgeArchived(runtime, runtime.cold, { namespace: SHOP, token, ...BY });

test.each([1, 2, 3, 4, 5, 8, 9, 11])(
  'each operation is in the export once although every object is written anew after number %d',
  async (given) => {
    const { world, tokens } = await archived();
    const all = await exportedWith(world, { given }, async () => {
      world.clock.advance(1);
      for (const token of [tokens[0]!, tokens[5]!, tokens[11]!]) {
        expect(await purge(world, token)).toMatchObject({ kind: 'purged', rewritten: 1 });
      }
    });
    expect(all.toSorted()).toEqual(tokens.toSorted());
  },
);

test.each([1, 2, 3])('and although that is as object number %d is read', async (read) => {
  const { world, tokens } = await archived();
  const all = await exportedWith(world, { read }, async () => {
    world.clock.advance(1);
    for (const token of [tokens[0]!, tokens[5]!, tokens[11]!]) await purge(world, token);
    for (const token of [tokens[1]!, tokens[6]!, tokens[10]!]) await purge(world, token);
  });
  expect(all.toSorted()).toEqual(tokens.toSorted());
});

test('what is purged meanwhile is given out without its payload', async () => {
  const { world, tokens } = await archived();
  const secrets: unknown[] = [];
  let first: Token | undefined;
  for await (const line of exportArchive(world.runtime, world.cold, SHOP)) {
    if (first === undefined) {
      first = line.token;
      world.clock.advance(1);
      for (const token of tokens) if (token !== first) await purge(world, token);
    } else secrets.push(line.status === 'completed' && line.result.kind);
  }
  // The first chunk was looked up before.
  expect(secrets.slice(3)).toEqual(Array(8).fill('purged'));
});

/** As buckets and folders list: what is put while a listing goes on, and has a later name, is in it. */
function live({ cold }: ArchiveWorld): ColdStorage {
  return {
    ...cold,
    async *list(prefix) {
      for (let last = ''; ;) {
        const names: ColdEntry[] = [];
        for await (const entry of cold.list(prefix)) if (entry.name > last) names.push(entry);
        const [next] = names;
        if (!next) return;
        yield next;
        last = next.name;
      }
    },
  };
}

test.each([
  ['a page at a time', ({ cold }: ArchiveWorld) => cold],
  ['as it stands', live],
])(
  'what is restored and archived again while the export runs is in it once at most, listed %s',
  async (_how, listed) => {
    for (let given = 1; given <= 12; given += 1) {
      const { world, tokens } = await archived();
      const again = tokens.slice(2, 9);
      const all = await exportedWith(
        world,
        { given },
        async () => {
          world.clock.advance(1);
          for (const token of again) await restoreOperation(world.runtime, SHOP, token, BY);
          world.expire();
          await world.archive();
        },
        listed(world),
      );
      expect(new Set(all).size).toBe(all.length);
      const others = tokens.filter((token) => !again.includes(token));
      expect(all.filter((token) => others.includes(token)).toSorted()).toEqual(others.toSorted());
    }
  },
);

test('an object that is always gone by the time it is read ends the export with an error', async () => {
  const { world } = await archived();
  const cold = { ...world.cold, read: async () => undefined };
  const first = exportArchive(world.runtime, cold, SHOP).next();
  await expect(first).rejects.toThrow('Run the export again');
});

test('an object that nobody can read ends the export with an error that names it', async () => {
  const { world } = await archived();
  const name = 'operations/0000/foreign.ndjson.gz';
  await world.cold.put({ name, bytes: Buffer.from('other'), schema: 's', operations: 1 });
  await expect(world.exported()).rejects.toThrow(name);
});
