import { describe, expect, test } from 'vitest';
import { entityId, STATE_MAX_BYTES } from '../../functions/src/workflow/state.ts';
import { ACCOUNT, SHOP, stateBenchFor, tokenOf } from './state-store-fixture.ts';
import type { StateBackend } from './state-store-fixture.ts';
import { stateUpdateContract } from './state-store-updates.ts';

/** What every state store promises, whatever it is made of. */
export function stateStoreContract(backend: StateBackend): void {
  describe(`state store: ${backend.name}`, () => {
    writeContract(backend);
    historyContract(backend);
    stateUpdateContract(backend);
  });
}

function writeContract(backend: StateBackend): void {
  const bench = stateBenchFor(backend);

  test('an entity begins at version 1 and grows by one with each write', async () => {
    const { store, put } = bench();
    expect(await store.read(SHOP, ACCOUNT)).toBeUndefined();
    const written = await put(0, 'a');
    const head = await store.read(SHOP, ACCOUNT);
    expect(written).toEqual({ kind: 'written', version: 1, at: head?.at });
    expect(head).toMatchObject({ version: 1, text: '{"balance":1}', token: tokenOf('a') });
    expect(await put(1, 'b', { revision: head!.revision })).toMatchObject({
      kind: 'written',
      version: 2,
    });
    expect(await store.read(SHOP, ACCOUNT)).toMatchObject({ version: 2, text: '{"balance":2}' });
  });

  test('the version alone is enough to write, without the revision of a read', async () => {
    const { put, versions } = bench();
    await put(0, 'a');
    const written = await put(1, 'b');
    const [, second] = await versions();
    expect(written).toEqual({ kind: 'written', version: 2, at: second?.at });
  });

  test.each([0, 1, 3, 9])('a write at version %i of an entity at 2 is a conflict', async (at) => {
    const { store, put, versions } = bench();
    await put(0, 'a');
    const { revision } = (await store.read(SHOP, ACCOUNT))!;
    await put(1, 'b');
    const before = await store.read(SHOP, ACCOUNT);
    for (const more of [{}, { revision }]) {
      expect(await put(at, 'late', more)).toEqual({ kind: 'conflict', version: 2 });
    }
    expect(await store.read(SHOP, ACCOUNT)).toEqual(before);
    expect(await versions()).toHaveLength(2);
  });

  test('a write at a version of an entity that does not exist is a conflict', async () => {
    const { store, put } = bench();
    expect(await put(1, 'a')).toEqual({ kind: 'conflict', version: 0 });
    expect(await store.read(SHOP, ACCOUNT)).toBeUndefined();
  });

  test.each([0, 1, 2, 3])('a token applied before changes nothing at version %i', async (at) => {
    const { store, put, versions } = bench();
    await put(0, 'a');
    await put(1, 'b');
    await put(2, 'c');
    const before = await versions();
    expect(await put(at, 'b', { text: '{"balance":99}' })).toEqual({
      kind: 'repeated',
      found: before[1],
    });
    expect(await versions()).toEqual(before);
    expect(await store.read(SHOP, ACCOUNT)).toMatchObject(before[2]!);
  });

  test('what a token wrote is found by the token', async () => {
    const { store, put, versions } = bench();
    await put(0, 'a');
    await put(1, 'b');
    const [first] = await versions();
    expect(await store.readApplied(SHOP, ACCOUNT, tokenOf('a'))).toEqual(first);
    expect(await store.readApplied(SHOP, ACCOUNT, tokenOf('never'))).toBeUndefined();
  });

  test('entities and namespaces are apart, even under one token', async () => {
    const { store, put } = bench();
    await put(0, 'a');
    const write = { ifVersion: 0, token: tokenOf('a'), schemaVersion: 1, text: '"other"' };
    for (const [namespace, entity] of [
      [SHOP, entityId('account', '4712')],
      [SHOP, entityId('stock', '4711')],
      ['bank' as typeof SHOP, ACCOUNT],
    ] as const) {
      expect(await store.write(namespace, entity, write)).toMatchObject({ kind: 'written' });
      expect(await store.read(namespace, entity)).toMatchObject({ version: 1, text: '"other"' });
    }
    expect(await store.read(SHOP, ACCOUNT)).toMatchObject({ version: 1, text: '{"balance":1}' });
  });

  test('of twenty first writes at once, one is made', async () => {
    const { put, versions } = bench();
    const keys = Array.from({ length: 20 }, (_, index) => `writer-${index}`);
    const answers = await Promise.all(keys.map((key) => put(0, key)));
    expect(answers.filter(({ kind }) => kind === 'written')).toHaveLength(1);
    expect(answers.filter(({ kind }) => kind === 'conflict')).toHaveLength(19);
    expect(await versions()).toHaveLength(1);
  });

  test('of twenty writes at once under one token, one is made and all know its version', async () => {
    const { put, versions } = bench();
    await put(0, 'a');
    const answers = await Promise.all(Array.from({ length: 20 }, () => put(1, 'same')));
    const kinds = answers.map(({ kind }) => kind).toSorted();
    expect(kinds).toEqual([...Array.from({ length: 19 }, () => 'repeated'), 'written']);
    expect(await versions()).toHaveLength(2);
  });

  test('the largest value that is allowed is kept', async () => {
    const { store, put } = bench();
    const text = JSON.stringify('x'.repeat(STATE_MAX_BYTES - 2));
    await put(0, 'a', { text });
    expect((await store.read(SHOP, ACCOUNT))?.text).toBe(text);
  });
}

function historyContract(backend: StateBackend): void {
  const bench = stateBenchFor(backend);

  test('every version is kept as it was written, readable by number, page by page', async () => {
    const { store, put } = bench();
    for (let version = 0; version < 7; version += 1) {
      await put(version, `write-${version}`, { schemaVersion: version + 1 });
    }
    const read = [];
    for (let after: string | undefined, first = true; first || after; first = false) {
      const page = await store.history(SHOP, ACCOUNT, { limit: 3, ...(after && { after }) });
      read.push(...page.versions);
      after = page.next;
    }
    expect(read.map(({ version, schemaVersion }) => [version, schemaVersion])).toEqual(
      [1, 2, 3, 4, 5, 6, 7].map((version) => [version, version]),
    );
    for (const version of read) {
      expect(await store.readVersion(SHOP, ACCOUNT, version.version)).toEqual(version);
    }
    expect(await store.readVersion(SHOP, ACCOUNT, 8)).toBeUndefined();
    expect(await store.readVersion(SHOP, ACCOUNT, 0)).toBeUndefined();
  });

  test('the head is the newest version, its time included', async () => {
    const { store, put, later, versions } = bench();
    await put(0, 'a');
    await later();
    await put(1, 'b');
    const { revision: _, ...head } = (await store.read(SHOP, ACCOUNT))!;
    expect((await versions()).at(-1)).toEqual(head);
  });

  test.each([1, 2, 9])('as of any time, the newest of %i versions then is read', async (count) => {
    const { store, put, later, versions } = bench();
    for (let version = 0; version < count; version += 1) {
      await put(version, `write-${version}`);
      await later();
    }
    const all = await versions();
    const times = all.map(({ at }) => at);
    expect(times).toEqual([...new Set(times)].toSorted((a, b) => a - b));
    for (const [index, version] of all.entries()) {
      const until = times[index + 1] ?? version.at + 60_000;
      for (const time of [version.at, (version.at + until) / 2]) {
        expect(await store.readAsOf(SHOP, ACCOUNT, time)).toMatchObject(version);
      }
    }
    expect(await store.readAsOf(SHOP, ACCOUNT, times[0]! - 1)).toBeUndefined();
  });

  test('as of any time, an entity that does not exist is absent', async () => {
    expect(await bench().store.readAsOf(SHOP, ACCOUNT, Date.UTC(2100, 0))).toBeUndefined();
  });
}
