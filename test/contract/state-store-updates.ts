import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineEntity } from '../../functions/src/engine/define-entity.ts';
import {
  readState,
  stateHistory,
  updateState,
} from '../../functions/src/engine/versioned-state.ts';
import { RetryableError, StoreAway } from '../../functions/src/operation/errors.ts';
import type { WriteFate } from '../support/faulty-documents.ts';
import { account, ACCOUNT, SHOP, stateBenchFor, tokenOf } from './state-store-fixture.ts';
import type { StateBackend } from './state-store-fixture.ts';

const FATES: readonly WriteFate[] = ['answer lost', 'request lost', 'repeated'];

type Balance = { balance: number } | undefined;
const add = (amount: number) => (current: Balance) => ({
  balance: (current?.balance ?? 0) + amount,
});

/** What an update promises over any state store. */
export function stateUpdateContract(backend: StateBackend): void {
  const bench = stateBenchFor(backend);

  test(
    `twenty writers lose none of their ${backend.updatesEach} updates each`,
    { timeout: 300_000 },
    async () => {
      const { runtime, store, later, versions } = bench();
      const writers = Array.from({ length: 20 }, async (_, writer) => {
        for (let update = 0; update < backend.updatesEach; update += 1) {
          const token = tokenOf(`${writer}/${update}`);
          await updateState(runtime, account, add(1), { token, maxAttempts: 200 });
          await later();
        }
      });
      await Promise.all(writers);
      const total = 20 * backend.updatesEach;
      const history = await versions();
      expect(history.map(({ version, text }) => [version, text])).toEqual(
        Array.from({ length: total }, (_, index) => [index + 1, `{"balance":${index + 1}}`]),
      );
      expect(new Set(history.map(({ token }) => token)).size).toBe(total);
      for (const { at } of history.filter((_, index) => index % 37 === 0)) {
        const newest = history.findLast((version) => version.at <= at)!;
        expect(await store.readAsOf(SHOP, ACCOUNT, at)).toMatchObject(newest);
      }
    },
  );

  test('an update under the same token changes nothing, whatever came between', async () => {
    const { runtime, versions } = bench();
    const token = tokenOf('deposit');
    const first = await updateState(runtime, account, add(10), { token });
    expect(first).toEqual({ kind: 'written', version: 1, value: { balance: 10 } });
    await updateState(runtime, account, add(5), { token: tokenOf('another') });
    const again = await updateState(runtime, account, add(10), { token });
    expect(again).toEqual({ kind: 'repeated', version: 1, value: { balance: 10 } });
    expect((await versions()).map(({ text }) => text)).toEqual([
      '{"balance":10}',
      '{"balance":15}',
    ]);
  });

  test('an applied update is answered, though its function would refuse by now', async () => {
    const { runtime, versions } = bench();
    const withdrawAll = (current: Balance) => {
      if (current?.balance === 0) throw new Error('Nothing left.');
      return { balance: 0 };
    };
    await updateState(runtime, account, add(10), { token: tokenOf('deposit') });
    const token = tokenOf('withdrawal');
    await updateState(runtime, account, withdrawAll, { token });
    expect(await updateState(runtime, account, withdrawAll, { token })).toEqual({
      kind: 'repeated',
      version: 2,
      value: { balance: 0 },
    });
    const other = updateState(runtime, account, withdrawAll, { token: tokenOf('other') });
    await expect(other).rejects.toThrow('Nothing left.');
    expect(await versions()).toHaveLength(2);
  });

  test('an update that others keep coming before gives up, and has written nothing', async () => {
    const { runtime, put, versions } = bench();
    let runs = 0;
    const overtaken = updateState(
      runtime,
      account,
      async (current, version) => {
        runs += 1;
        await put(version, `rival-${runs}`);
        return add(100)(current);
      },
      { token: tokenOf('slow'), maxAttempts: 3 },
    );
    await expect(overtaken).rejects.toThrow(/account\/4711 changed under each of 3 attempts/);
    await expect(overtaken).rejects.toBeInstanceOf(RetryableError);
    const tokens = (await versions()).map(({ token }) => token);
    expect(tokens).toEqual([tokenOf('rival-1'), tokenOf('rival-2'), tokenOf('rival-3')]);
  });

  describe.each(FATES)('a write whose fate is: %s', (fate) => {
    test('makes one version', async () => {
      const { runtime, store, versions } = bench();
      await updateState(runtime, account, add(1), { token: tokenOf('a') });
      store.befall(fate);
      const token = tokenOf('b');
      const updated = await updateState(runtime, account, add(10), { token });
      expect(updated).toMatchObject({ version: 2, value: { balance: 11 } });
      expect((await versions()).map(({ text }) => text)).toEqual([
        '{"balance":1}',
        '{"balance":11}',
      ]);
      expect(await updateState(runtime, account, add(10), { token })).toMatchObject({
        kind: 'repeated',
        version: 2,
      });
    });

    test('makes one version, though another was written before it was asked about', async () => {
      const { runtime, store, put, versions } = bench();
      const stands = fate !== 'request lost';
      store.befall(fate, () => put(stands ? 1 : 0, 'rival', { text: '{"balance":500}' }));
      const updated = await updateState(runtime, account, add(10), { token: tokenOf('a') });
      expect(updated).toMatchObject(
        stands ? { version: 1, value: { balance: 10 } } : { version: 2, value: { balance: 510 } },
      );
      expect(await versions()).toHaveLength(2);
    });
  });

  test('a write that the store never answers is thrown as unknown', async () => {
    const { runtime, store } = bench();
    store.befall('request lost');
    store.befall('request lost');
    const updated = updateState(runtime, account, add(1), {
      token: tokenOf('a'),
      maxAttempts: 2,
    });
    await expect(updated).rejects.toBeInstanceOf(StoreAway);
  });

  describe('an entity whose schema has moved on', () => {
    const old = defineEntity({ name: 'account', schema: z.object({ owner: z.string() }) });
    const current = defineEntity({
      name: 'account',
      schema: z.object({ owners: z.array(z.string()), since: z.date() }),
      schemaVersion: 3,
      upcasters: {
        1: (was) => ({ owners: [(was as { owner: string }).owner] }),
        2: (was) => ({ ...(was as object), since: new Date(0) }),
      },
    });
    const before = old.of(SHOP, '4711');
    const now = current.of(SHOP, '4711');

    test('is read in its newest form, wherever it is read from', async () => {
      const { runtime, store, versions } = bench();
      await updateState(runtime, before, () => ({ owner: 'Ada' }), { token: tokenOf('a') });
      const value = { owners: ['Ada'], since: new Date(0) };
      const token = tokenOf('a');
      const read = { version: 1, value, token, at: expect.any(Number) as number };
      expect(await readState(store, now)).toEqual(read);
      expect(await readState(store, now, { version: 1 })).toEqual(read);
      expect(await readState(store, now, { asOf: Date.UTC(2100, 0) })).toEqual(read);
      expect(await stateHistory(store, now, { limit: 9 })).toEqual({ versions: [read] });
      expect(await versions()).toMatchObject([{ schemaVersion: 1, text: '{"owner":"Ada"}' }]);
    });

    test('is updated from its newest form; earlier versions stay as they were written', async () => {
      const { runtime, versions } = bench();
      await updateState(runtime, before, () => ({ owner: 'Ada' }), { token: tokenOf('a') });
      const joined = await updateState(
        runtime,
        now,
        (account) => ({ owners: [...account!.owners, 'Bob'], since: account!.since }),
        { token: tokenOf('b') },
      );
      expect(joined.value).toEqual({ owners: ['Ada', 'Bob'], since: new Date(0) });
      expect(await versions()).toMatchObject([{ schemaVersion: 1 }, { schemaVersion: 3 }]);
    });

    test('is refused by a build that is too old for it, which writes nothing', async () => {
      const { runtime, store, versions } = bench();
      const value = { owners: ['Ada'], since: new Date(0) };
      await updateState(runtime, now, () => value, { token: tokenOf('a') });
      const told = /account\/4711 was written under schema version 3, and this build knows .* 1/;
      await expect(readState(store, before)).rejects.toThrow(told);
      const update = updateState(runtime, before, () => ({ owner: 'x' }), { token: tokenOf('b') });
      await expect(update).rejects.toMatchObject({ name: 'RetryableError', code: 'schema_newer' });
      expect(await versions()).toHaveLength(1);
    });
  });

  test('one version that can not be read leaves the rest of its history readable', async () => {
    const { runtime, store } = bench();
    const loose = defineEntity({ name: 'account', schema: z.object({ owner: z.any() }) });
    const strict = defineEntity({
      name: 'account',
      schema: z.object({ name: z.string() }),
      schemaVersion: 2,
      upcasters: { 1: (was) => ({ name: (was as { owner: string }).owner.trim() }) },
    });
    for (const owner of ['Ada', null, 'Bob']) {
      const token = tokenOf(String(owner));
      await updateState(runtime, loose.of(SHOP, '4711'), () => ({ owner }), { token });
    }
    const now = strict.of(SHOP, '4711');
    const { versions } = await stateHistory(store, now, { limit: 9 });
    expect(versions.map(({ version, value }) => [version, value])).toEqual([
      [1, { name: 'Ada' }],
      [2, undefined],
      [3, { name: 'Bob' }],
    ]);
    const told = /^Version 2 of account\/4711 can't be read: its upcaster from version 1 threw/;
    expect(versions[1]).toMatchObject({ token: tokenOf('null'), error: { code: 'upcast_failed' } });
    expect(versions[1]?.error?.message).toMatch(told);
    await expect(readState(store, now, { version: 2 })).rejects.toThrow(told);
    expect(await readState(store, now)).toMatchObject({ value: { name: 'Bob' } });
  });

  test('a value that does not fit its schema is not written', async () => {
    const { runtime, versions } = bench();
    const wrong = () => ({ balance: Number.NaN });
    await expect(updateState(runtime, account, wrong, { token: tokenOf('a') })).rejects.toThrow(
      /The new value of account\/4711 does not fit its schema: .*balance/,
    );
    expect(await versions()).toEqual([]);
  });
}
