import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { purgeArchived } from '../../../functions/src/engine/cold-purge.ts';
import { guardCall, OnceRefused } from '../../../functions/src/engine/once.ts';
import { readCold } from '../../../functions/src/engine/read-cold.ts';
import { restoreOperation } from '../../../functions/src/engine/restore.ts';
import { TerminalError } from '../../../functions/src/operation/errors.ts';
import type { ArchivedRecord } from '../../../functions/src/operation/record.ts';
import type { ColdStorage } from '../../../functions/src/ports/cold-storage.ts';
import type { Token } from '../../../functions/src/token/token.ts';
import { archiveWorld, BY, LIFE, SHOP } from '../../support/archive-world.ts';
import type { ArchiveWorld } from '../../support/archive-world.ts';

async function archived(): Promise<{ world: ArchiveWorld; tokens: Token[]; stub: ArchivedRecord }> {
  const world = archiveWorld();
  const tokens = await world.completed(3);
  world.expire();
  await world.archive();
  return { world, tokens, stub: (await world.record(tokens[1]!)) as ArchivedRecord };
}

function pays(world: ArchiveWorld, effect: () => unknown, madeAt = world.clock.now()) {
  const clock = { ...world.clock, now: () => madeAt };
  const request = {
    namespace: SHOP,
    action: 'a.b',
    params: {},
    key: 'k',
    retention: LIFE,
  } as const;
  return guardCall({ ...world.runtimeOf(), clock }, { ...request, effect: 'pure' }, effect);
}

test('a record is had from cold storage as it stood', async () => {
  const { world, stub } = await archived();
  expect(await readCold(world.runtime, stub)).toMatchObject({
    status: 'completed',
    token: stub.token,
    fence: stub.fence,
    requestHash: stub.requestHash,
    completedAt: stub.completedAt,
    result: { kind: 'inline', text: '{"index":1}' },
  });
});

test('without cold storage it says that there is none', async () => {
  const { world, stub } = await archived();
  const { cold: _, ...without } = world.runtime;
  await expect(readCold(without, stub)).rejects.toMatchObject({
    name: 'PayloadGone',
    message: expect.stringContaining('none is configured here'),
  });
});

test('an object that was deleted is told as gone, and counted as an expiration miss', async () => {
  const { world, stub } = await archived();
  const events: unknown[] = [];
  const telemetry = {
    decision() {},
    event: (_severity: string, _message: string, fields: unknown) => void events.push(fields),
  };
  await world.cold.delete(stub.pointer.object);
  await expect(readCold({ ...world.runtime, telemetry }, stub)).rejects.toMatchObject({
    name: 'PayloadGone',
    message: expect.stringContaining('has been deleted'),
  });
  expect(events).toEqual([
    { expirationMiss: { reason: 'payload_deleted', action: stub.action, class: LIFE.name } },
  ]);
});

test('a damaged object is told as gone, and where', async () => {
  const { world, stub } = await archived();
  const read = async () => Buffer.from('no gzip at all');
  const damaged = { ...world.runtime, cold: { ...world.cold, read } };
  await expect(readCold(damaged, stub)).rejects.toThrow(/is damaged/);
});

test.each([
  ['no JSON', '<html>'],
  ['no line of an archive', '{"a":1}\n'],
  ['nothing', ''],
])('an object that was replaced by %s is told as gone, and where', async (_what, text) => {
  const { world, stub } = await archived();
  const read = async () => gzipSync(text);
  const damaged = { ...world.runtime, cold: { ...world.cold, read } };
  await expect(readCold(damaged, stub)).rejects.toMatchObject({
    name: 'PayloadGone',
    message: expect.stringContaining(stub.pointer.object),
  });
});

test('an object that is written anew as often as it is looked for is found, and no miss is counted', async () => {
  const { world, tokens, stub } = await archived();
  world.clock.advance(5 * 3_600_000);
  const others = [tokens[0]!, tokens[2]!];
  const cold: ColdStorage = {
    ...world.cold,
    async read(...asked) {
      const token = others.shift();
      const request = { namespace: SHOP, token: token!, ...BY };
      if (token) await purgeArchived(world.runtime, world.cold, request);
      return world.cold.read(...asked);
    },
  };
  const events: unknown[] = [];
  const telemetry = { decision() {}, event: (...event: unknown[]) => void events.push(event) };
  expect(await readCold({ ...world.runtime, cold, telemetry }, stub)).toMatchObject({
    result: { text: '{"index":1}' },
  });
  expect(others).toEqual([]);
  expect(events).toEqual([]);
});

test('a stub from a cache leads to where the operation is by now', async () => {
  const { world, tokens, stub } = await archived();
  await restoreOperation(world.runtime, SHOP, tokens[1]!, BY);
  await world.cold.delete(stub.pointer.object);
  expect(await readCold(world.runtime, stub)).toMatchObject({ result: { text: '{"index":1}' } });
  world.expire();
  await world.archive();
  expect(await readCold(world.runtime, stub)).toMatchObject({ result: { text: '{"index":1}' } });
});

test('a late call is given the recorded result, and a failure as it was', async () => {
  const world = archiveWorld();
  expect(await pays(world, () => 'paid')).toEqual({ result: 'paid', replayed: false });
  world.expire();
  await world.archive();
  const never = () => {
    throw new Error('It ran again.');
  };
  expect(await pays(world, never)).toEqual({ result: 'paid', replayed: true });

  const other = archiveWorld();
  const declined = () => {
    throw new TerminalError('declined', 'No cover.');
  };
  await expect(pays(other, declined)).rejects.toBeInstanceOf(OnceRefused);
  other.expire();
  await other.archive();
  await expect(pays(other, never)).rejects.toMatchObject({
    outcome: { kind: 'replayed', answer: { kind: 'error', error: { code: 'declined' } } },
  });
});

test('a late call whose payload is gone runs nothing, and says why', async () => {
  const world = archiveWorld();
  await pays(world, () => 'paid');
  world.expire();
  await world.archive();
  for (const name of world.objects.keys()) await world.cold.delete(name);
  let ran = 0;
  await expect(pays(world, () => (ran += 1))).rejects.toMatchObject({ name: 'PayloadGone' });
  expect(ran).toBe(0);
});
