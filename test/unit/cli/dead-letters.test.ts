import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { embeddedQueue } from '../../../functions/src/adapters/embedded/queue.ts';
import { makeTask } from '../../../functions/src/engine/tasks.ts';
import { taskText } from '../../../functions/src/index.ts';
import type { DeadLetterReason } from '../../../functions/src/ports/task-publisher.ts';
import { parseNamespace, shownToken } from '../../../functions/src/token/token.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';
import { settableClock } from '../../support/settable-clock.ts';
import { deployment } from './deployment.ts';

const NOW = settableClock().now();
const NAMESPACE = parseNamespace('shop')!;

function taskOf(key: string) {
  const work = { action: 'shipping.ship', params: { orderId: key } };
  return makeTask(work, { namespace: NAMESPACE, agent: 'shop', key }, NOW);
}

/** A deployment with dead letters, each of a task under its own key. */
async function withLetters(letters: Readonly<Record<string, DeadLetterReason['code']>>) {
  const all = deployment();
  for (const [key, code] of Object.entries(letters)) {
    const message = { id: `m-${key}`, data: Buffer.from(taskText(taskOf(key))), attributes: {} };
    await all.queue.deadLetter(message, { code, faults: [`${key}: is wrong`, 'and more'] });
  }
  const codes = () => all.queue.deadLetters().map(({ reason }) => reason.code);
  return { ...all, codes };
}

const THREE = { a: 'invalid', b: 'mismatch', c: 'expired' } as const;

test('each dead letter is listed with action, reason, faults, time and hashed token, and stays', async () => {
  const { cli, codes, advance } = await withLetters(THREE);
  advance(90_000);
  const { code, out } = await cli('dead-letters');
  expect(code).toBe(0);
  const token = taskOf('a').token;
  expect(out).toMatch(/1\.5 min ago +shipping\.ship +invalid +h1_\S+ +a: is wrong; and more/);
  expect(out).toContain(shownToken(token));
  expect(out).not.toContain(token);
  const json = (await cli('--json', 'dead-letters')).out.trimEnd().split('\n');
  expect(json.map((line) => JSON.parse(line) as unknown)).toEqual(
    Object.entries(THREE).map(([key, reason]) => ({
      messageId: `m-${key}`,
      action: 'shipping.ship',
      token: shownToken(taskOf(key).token),
      reason,
      faults: [`${key}: is wrong`, 'and more'],
      at: expect.stringMatching(/Z$/),
    })),
  );
  expect(codes()).toEqual(Object.values(THREE));
});

test('what is no task is listed as far as it can be read', async () => {
  const { cli, queue } = deployment();
  const attributes = { action: '\u001B[31mred', key: '\uD800' };
  const message = { id: 'm', data: Buffer.from('{"action":'), attributes };
  await queue.deadLetter(message, { code: 'invalid', faults: ['data: is not \u001B[2JJSON'] });
  await queue.deadLetter({ ...message, data: Buffer.alloc(0) }, { code: 'invalid', faults: [] });
  const { code, out } = await cli('--json', 'dead-letters');
  expect(code).toBe(0);
  expect((await cli('dead-letters')).out).not.toContain('\u001B');
  expect(JSON.parse(out.split('\n')[0] ?? '')).toEqual({
    messageId: 'm',
    reason: 'invalid',
    faults: ['data: is not \u001B[2JJSON'],
    at: expect.any(String),
  });
  expect(out).not.toContain('\u001B');
});

test('none are told to be none', async () => {
  expect((await deployment().cli('dead-letters')).out).toBe('There are no dead letters.\n');
});

test('refused messages stay where they are unless their reason is named', async () => {
  const { cli, codes, waiting } = await withLetters(THREE);
  const { code, out } = await cli('dead-letters', 'replay');
  expect(code).toBe(0);
  expect(out).toBe('Published again: 0. Kept: 1 invalid, 1 mismatch, 1 expired.\n');
  expect(codes()).toEqual(Object.values(THREE));
  expect(waiting()).toBe(false);
});

test('those of a named reason run, and only they are forgotten', async () => {
  const { cli, codes, work, shipped } = await withLetters(THREE);
  const { out } = await cli('dead-letters', 'replay', '--reason', 'invalid', 'mismatch');
  expect(out).toBe('Published again: 2. Kept: 1 expired.\n');
  await work();
  expect(shipped.toSorted()).toEqual(['a', 'b']);
  expect(codes()).toEqual(['expired']);
});

test('--limit publishes no more, and the rest can be replayed at once', async () => {
  const { cli, codes } = await withLetters({ a: 'invalid', b: 'invalid', c: 'invalid' });
  const replay = ['--json', 'dead-letters', 'replay', '--reason', 'invalid'];
  const first = JSON.parse((await cli(...replay, '--limit', '2')).out) as unknown;
  expect(first).toMatchObject({ replayed: 2, failed: 0 });
  expect(codes()).toHaveLength(1);
  expect(JSON.parse((await cli(...replay)).out)).toMatchObject({ replayed: 1 });
  expect(codes()).toEqual([]);
});

test('--dry-run counts, and neither publishes nor forgets', async () => {
  const { cli, codes, waiting } = await withLetters(THREE);
  const replay = ['dead-letters', 'replay', '--reason', 'invalid', '--dry-run'];
  expect((await cli(...replay)).out).toContain('Would publish again: 1.');
  expect(codes()).toHaveLength(3);
  expect(waiting()).toBe(false);
  expect((await cli(...replay)).out).toContain('Would publish again: 1.');
});

test('a message in attributes alone comes back with them', async () => {
  const { cli, queue, work, shipped } = deployment();
  const attributes = {
    schema: 'agent-once/task@1',
    action: 'shipping.ship',
    key: 'k',
    params: '{"orderId":"by attributes"}',
  };
  const message = { id: 'm', data: Buffer.alloc(0), attributes };
  await queue.deadLetter(message, { code: 'invalid', faults: [] });
  await cli('dead-letters', 'replay', '--reason', 'invalid');
  await work();
  expect(shipped).toEqual(['by attributes']);
});

test('more than one taking brings are all replayed, each once', async () => {
  const many = Array.from({ length: 230 }, (_, n) => [`o-${n}`, 'invalid'] as const);
  const { cli, codes, work, shipped } = await withLetters(Object.fromEntries(many));
  await cli('dead-letters', 'replay', '--reason', 'invalid');
  expect(codes()).toEqual([]);
  await work();
  expect(shipped.toSorted()).toEqual(many.map(([key]) => key).toSorted());
});

test('one that can’t be acknowledged stays, comes again, and its effect happens once', async () => {
  const { cli, queue, codes, work, shipped, advance } = await withLetters({ a: 'invalid' });
  const { acknowledge } = queue.kept;
  Object.assign(queue.kept, { acknowledge: () => Promise.reject(new Error('gone')) });
  const broken = await cli('dead-letters', 'replay', '--reason', 'invalid');
  expect(broken.code).toBe(1);
  expect(broken.out).toContain('Failed: 1.');
  expect(broken.err).toContain('gone');
  expect(codes()).toEqual(['invalid']);
  Object.assign(queue.kept, { acknowledge });
  advance(60_000);
  expect((await cli('dead-letters', 'replay', '--reason', 'invalid')).code).toBe(0);
  await work();
  expect(codes()).toEqual([]);
  expect(shipped).toEqual(['a']);
});

test('nothing is acknowledged whose publishing failed', async () => {
  const { cli, queue, codes } = await withLetters({ a: 'invalid', b: 'invalid' });
  Object.assign(queue.kept, { publishAgain: () => Promise.reject(new Error('no topic')) });
  const { code, err } = await cli('dead-letters', 'replay', '--reason', 'invalid');
  expect(code).toBe(1);
  expect(err).toContain('Not published again: no topic');
  expect(codes()).toHaveLength(2);
});

test('a wrong reason or limit ends with 2', async () => {
  const { cli } = deployment();
  expect((await cli('dead-letters', 'replay', '--reason', 'boredom')).code).toBe(2);
  expect((await cli('dead-letters', 'replay', '--limit', '0')).code).toBe(2);
});

test('a queue file of an earlier build is opened, with its dead letters', async () => {
  const folder = await scratchFolder();
  const file = join(folder, 'queue.db');
  const old = new DatabaseSync(file);
  old.exec(`
    CREATE TABLE messages (sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
      data BLOB NOT NULL, visible_at REAL NOT NULL, deliveries INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE dead_letters (id TEXT NOT NULL, data BLOB NOT NULL, reason TEXT NOT NULL, faults TEXT NOT NULL);
    INSERT INTO messages (id, data, visible_at) VALUES ('waits', x'7b7d', 0);
    INSERT INTO dead_letters VALUES ('dead', x'7b7d', 'invalid', '["f"]');
  `);
  old.close();
  for (const _ of ['first', 'again']) {
    const queue = embeddedQueue(file, settableClock());
    const [letter] = await queue.kept.take(9);
    expect(letter).toMatchObject({ why: 'invalid', faults: ['f'], message: { attributes: {} } });
    await queue.kept.giveBack([letter!.handle]);
    const message = queue.pull(1_000)!;
    expect(message).toMatchObject({ id: 'waits', attributes: {} });
    queue.giveBack(message.id, 0);
    queue.close();
  }
  await rm(folder, { recursive: true });
});
