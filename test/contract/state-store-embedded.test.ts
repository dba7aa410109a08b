import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { embeddedState } from '../../functions/src/adapters/embedded/state.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import { readState, updateState } from '../../functions/src/engine/versioned-state.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { settableClock } from '../support/settable-clock.ts';
import { account, tokenOf } from './state-store-fixture.ts';
import { stateStoreContract } from './state-store.contract.ts';

stateStoreContract({
  name: 'embedded, in memory',
  updatesEach: 50,
  async open() {
    const clock = settableClock();
    const store = embeddedState(':memory:', clock);
    return { store, later: async () => clock.advance(1), close: () => store.close() };
  },
});

stateStoreContract({
  name: 'embedded, on a file',
  updatesEach: 50,
  async open() {
    const folder = await scratchFolder();
    const clock = settableClock();
    const store = embeddedState(join(folder, 'state.db'), clock);
    return {
      store,
      later: async () => clock.advance(1),
      async close() {
        await store.close();
        await rm(folder, { recursive: true });
      },
    };
  },
});

test('two connections to one file lose none of their updates', async () => {
  const folder = await scratchFolder();
  const stores = [0, 1].map(() => embeddedState(join(folder, 'state.db'), systemClock));
  const writers = stores.map(async (store, writer) => {
    const runtime = { store, clock: systemClock, random: seededRandom(writer) };
    for (let update = 0; update < 20; update += 1) {
      const token = tokenOf(`${writer}/${update}`);
      await updateState(runtime, account, (was) => ({ balance: (was?.balance ?? 0) + 1 }), {
        token,
        maxAttempts: 200,
      });
    }
  });
  await Promise.all(writers);
  expect(await readState(stores[0]!, account)).toMatchObject({
    version: 40,
    value: { balance: 40 },
  });
  for (const store of stores) await store.close();
  await rm(folder, { recursive: true });
});

test('a version is never older than the one before it, though the clock was set back', async () => {
  const clock = settableClock();
  const store = embeddedState(':memory:', clock);
  const runtime = { store, clock, random: () => 0 };
  const balance = (value: number) => () => ({ balance: value });
  await updateState(runtime, account, balance(1), { token: tokenOf('a') });
  const first = (await readState(store, account))!;
  clock.advance(-60_000);
  await updateState(runtime, account, balance(2), { token: tokenOf('b') });
  expect(await readState(store, account, { asOf: first.at })).toMatchObject({ version: 2 });
  expect(await readState(store, account, { asOf: first.at - 1 })).toBeUndefined();
  await store.close();
});

test('as of a time that has passed the answer stays, though the clock was set back', async () => {
  const folder = await scratchFolder();
  const clock = settableClock();
  const open = () => embeddedState(join(folder, 'state.db'), clock);
  const store = open();
  const put = (value: number, key: string) =>
    updateState({ store, clock, random: () => 0 }, account, () => ({ balance: value }), {
      token: tokenOf(key),
    });
  const [start, passed] = [clock.now(), clock.now() + 5];
  clock.advance(10);
  expect(await readState(store, account, { asOf: passed })).toBeUndefined();
  clock.advance(-10);
  await put(1, 'a');
  expect(await readState(store, account, { asOf: passed })).toBeUndefined();

  clock.advance(60);
  const later = clock.now() - 1;
  expect(await readState(store, account, { asOf: later })).toMatchObject({ version: 1 });
  await store.close();
  clock.advance(-60);
  const again = open();
  const runtime = { store: again, clock, random: () => 0 };
  await updateState(runtime, account, () => ({ balance: 2 }), { token: tokenOf('b') });
  expect(await readState(again, account, { asOf: later })).toMatchObject({ version: 1 });
  expect(await readState(again, account, { asOf: later + 1 })).toMatchObject({ version: 2 });
  expect(await readState(again, account, { asOf: start })).toBeUndefined();
  await again.close();
  await rm(folder, { recursive: true });
});

test('a time that is yet to come is not held back for having been asked about', async () => {
  const clock = settableClock();
  const store = embeddedState(':memory:', clock);
  const tomorrow = clock.now() + 86_400_000;
  expect(await readState(store, account, { asOf: tomorrow })).toBeUndefined();
  await updateState({ store, clock, random: () => 0 }, account, () => ({ balance: 1 }), {
    token: tokenOf('a'),
  });
  expect(await readState(store, account)).toMatchObject({ at: clock.now() });
  expect(await readState(store, account, { asOf: tomorrow })).toMatchObject({ version: 1 });
  await store.close();
});
