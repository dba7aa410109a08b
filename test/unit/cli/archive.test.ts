import { expect, test } from 'vitest';
import { embeddedAuditLog } from '../../../functions/src/adapters/embedded/audit-log.ts';
import { embeddedStore } from '../../../functions/src/adapters/embedded/store.ts';
import type { Connect } from '../../../functions/src/cli/program.ts';
import type { Namespace } from '../../../functions/src/token/token.ts';
import { memoryCold } from '../../support/cold-memory.ts';
import { settableClock } from '../../support/settable-clock.ts';
import { cli, deployment } from './deployment.ts';

const DAY_MS = 86_400_000;
const SIGNED = ['--actor', 'ann', '--reason', 'audit 7'];

/** Three parcels shipped, of which the customers are told: six operations, all long since expired. */
async function shipped() {
  const clock = settableClock();
  const coldMemory = memoryCold(() => clock.now());
  const all = deployment({ clock, cold: coldMemory.cold });
  const tokens = [];
  for (const orderId of ['order-1', 'order-2', 'order-3']) {
    tokens.push(await all.publish('shipping.ship', { orderId }, orderId));
  }
  await all.work();
  clock.advance(2 * DAY_MS);
  return { ...all, ...coldMemory, clock, tokens };
}

test('archive moves what has expired, and show finds the result where it is', async () => {
  const { cli: run, tokens, objects } = await shipped();
  const archived = await run('archive');
  expect(archived.code).toBe(0);
  expect(archived.out).toMatch(/^Moved \d+ operations to cold storage: \d+ objects? of \d/);
  expect(archived.out).toContain('On Google Cloud this costs less than $0.01');
  expect(objects.size).toBeGreaterThan(0);
  const shown = await run('show', tokens[0]!);
  expect(shown.out).toContain('archived');
  expect(shown.out).toContain("shipmentId: 'ship-1'");
  expect(shown.out).toContain(`restore ${tokens[0]}`);
});

test('a dry run says what would be moved, and what would stay and why', async () => {
  const { cli: run, tokens, objects, record } = await shipped();
  await run('hold', tokens[0]!, ...SIGNED);
  const dry = await run('archive', '--dry-run');
  expect(dry.code).toBe(0);
  expect(dry.out).toContain('Would move');
  expect(dry.out).toContain('Kept 1 held until their hold is lifted.');
  expect(objects.size).toBe(0);
  expect(await record(tokens[1]!)).toMatchObject({ status: 'completed' });
  const [told] = (await run('--json', 'archive', '--dry-run')).out.trim().split('\n');
  const { moved, kept, ...rest } = JSON.parse(told!) as Record<string, unknown>;
  expect({ moved, kept }).toEqual({ moved: 5, kept: { held: 1 } });
  expect(rest).toMatchObject({ dryRun: true, failed: 0, shards: 16, blobs: 0 });
  expect(JSON.parse((await run('--json', 'archive')).out)).toMatchObject({ moved, kept });
});

test('with nothing to move it says so', async () => {
  const { cli: run } = await shipped();
  await run('archive');
  expect((await run('archive')).out).toBe('Nothing has expired that could be moved.\n');
});

test('a shard that fails is told, the others are done, and it ends with 1', async () => {
  const { cli: run, cold, runtime } = await shipped();
  let puts = 0;
  const failing: typeof cold = {
    ...cold,
    async put(object) {
      puts += 1;
      if (puts === 1) throw new Error('bucket is gone');
      return cold.put(object);
    },
  };
  const connect: Connect = async () => ({
    runtime: { ...runtime, cold: failing },
    namespace: 'shop' as Namespace,
    shards: 16,
    deadLetters: () => Promise.reject(new Error('Nobody asked for them.')),
    auditLog: async () => embeddedAuditLog(':memory:'),
    close: async () => {},
  });
  const { code, out, err } = await cli(connect, ['archive']);
  expect(code).toBe(1);
  expect(err).toContain('was not archived to its end: bucket is gone');
  expect(out).toContain('Moved');
  expect(out).toContain('run it again: agent-once archive');
  expect((await run('archive')).code).toBe(0);
});

test('what a shard that fails had moved until then is in the summary', async () => {
  const clock = settableClock();
  const { cold, objects } = memoryCold(() => clock.now());
  const store = embeddedStore(':memory:', clock, { shards: 1 });
  let writes = 0;
  const failing: typeof store = {
    ...store,
    async archive(...asked) {
      writes += 1;
      if (writes === 20) throw new Error('No route.');
      return store.archive(...asked);
    },
  };
  const all = deployment({ clock, cold, store: failing });
  for (let order = 0; order < 15; order += 1) {
    await all.publish('shipping.ship', { orderId: `${order}` }, `${order}`);
  }
  await all.work();
  clock.advance(2 * DAY_MS);
  const { code, out, err } = await all.cli('--json', 'archive');
  expect(code).toBe(1);
  expect(err).toContain('was not archived to its end: No route.');
  const { operations: hot } = await store.expired(0, { limit: 100 });
  expect(hot).toHaveLength(1);
  expect(JSON.parse(out.trim().split('\n')[0]!)).toMatchObject({
    moved: 29,
    objects: objects.size,
    failed: 1,
  });
});

test('restore brings one operation back, or all of a root', async () => {
  const { cli: run, tokens, record } = await shipped();
  await run('archive');
  const [one, other] = tokens;
  expect((await run('restore', one!, ...SIGNED)).code).toBe(0);
  expect(await record(one!)).toMatchObject({
    status: 'completed',
    override: { verb: 'restore', actor: 'ann', reason: 'audit 7' },
  });
  const again = await run('restore', one!, ...SIGNED);
  expect(again.code).toBe(0);
  const all = await run('--json', 'restore', other!, '--root', ...SIGNED);
  expect(JSON.parse(all.out)).toEqual({ root: other, restored: 2, hot: 0 });
  expect(await record(other!)).toMatchObject({ status: 'completed' });
  expect((await run('restore', tokens[2]!)).code).toBe(2);
});

test('export writes one line for each archived operation, and nothing else', async () => {
  const { cli: run, tokens } = await shipped();
  await run('archive');
  await run('restore', tokens[0]!, ...SIGNED);
  const { out, err, code } = await run('export');
  expect({ err, code }).toEqual({ err: '', code: 0 });
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { token: string; status: string; result: unknown });
  expect(lines.map(({ token }) => token)).toEqual(expect.arrayContaining(tokens.slice(1)));
  expect(lines.map(({ token }) => token)).not.toContain(tokens[0]);
  expect(lines.find(({ token }) => token === tokens[1])).toMatchObject({
    archive: 'agent-once/archive@1',
    status: 'completed',
    result: { kind: 'inline', text: '{"shipmentId":"ship-1"}' },
  });
});

test('purge erases what was archived, and is refused under a lock', async () => {
  const { cli: run, tokens, clock, lock, record } = await shipped();
  await run('archive');
  clock.advance(2 * 3_600_000);
  const [token] = tokens;
  const before = await record(token!);
  expect(before).toMatchObject({ status: 'archived' });
  expect((await run('purge', token!, ...SIGNED)).code).toBe(0);
  expect((await run('show', token!)).out).toContain('The payload was purged by an operator.');

  const other = tokens[1]!;
  const stub = await record(other);
  lock(stub?.status === 'archived' ? stub.pointer.object : '');
  const refused = await run('purge', other, ...SIGNED);
  expect(refused.code).toBe(4);
  expect(refused.err).toContain('A retention lock keeps');
  expect(await record(other)).toEqual(stub);
});

test('without cold storage it says which setting is missing', async () => {
  const { cli: run } = deployment();
  for (const command of [['archive'], ['export']]) {
    const { code, err } = await run(...command);
    expect(code).toBe(2);
    expect(err).toContain('AGENT_ONCE_ARCHIVE_BUCKET');
  }
});
