import { expect, test } from 'vitest';
import { StoreAway } from '../../../functions/src/operation/errors.ts';
import type { AuditLog } from '../../../functions/src/ports/audit-log.ts';
import type { Namespace, Token } from '../../../functions/src/token/token.ts';
import { memoryCold } from '../../support/cold-memory.ts';
import { settableClock } from '../../support/settable-clock.ts';
import { cli, deployment } from './deployment.ts';

const HOUR_MS = 3_600_000;
const by = (actor: string) => ['--actor', actor, '--reason', 'audit 7'];

/** Two parcels shipped, long since expired; each is a root with what followed from it. */
async function shipped() {
  const clock = settableClock();
  const storage = memoryCold(() => clock.now());
  const all = deployment({ clock, cold: storage.cold });
  const tokens = [];
  for (const orderId of ['order-1', 'order-2']) {
    tokens.push(await all.publish('shipping.ship', { orderId }, orderId));
  }
  await all.work();
  clock.advance(48 * HOUR_MS);
  const [token, other] = tokens as [Token, Token];
  return { ...all, ...storage, clock, token, other };
}

const entries = (verb: string, actor: string) => [
  `${verb} intended by ${actor}`,
  `${verb} done by ${actor}`,
];

test('what is done to a hot operation is on record, as intended and as done', async () => {
  const { cli: run, token, clock, audited } = await shipped();
  for (const verb of ['hold', 'unhold', 'expire', 'purge']) {
    clock.advance(1_000);
    expect((await run(verb, token, ...by(verb))).code).toBe(0);
  }
  expect(await audited(token)).toEqual(
    ['hold', 'unhold', 'expire', 'purge'].flatMap((verb) => entries(verb, verb)),
  );
});

test('a purge that is asked for again is on record again, by whoever goes on with it', async () => {
  const { cli: run, token, clock, audited } = await shipped();
  await run('purge', token, ...by('ann'));
  clock.advance(1_000);
  expect((await run('purge', token, ...by('bob'))).code).toBe(0);
  expect(await audited(token)).toEqual([...entries('purge', 'ann'), ...entries('purge', 'bob')]);
});

test('what does not fit the operation is on record as refused', async () => {
  const { cli: run, token, audited } = await shipped();
  expect((await run('force-release', token, ...by('ann'))).code).toBe(4);
  expect(await audited(token)).toEqual([
    'force_release intended by ann',
    'force_release refused by ann',
  ]);
});

test('restoring is on record for each operation that it brings back', async () => {
  const { cli: run, token, other, ledgerOf, clock, audited } = await withLedger();
  await run('archive');
  expect((await run('restore', token, ...by('ann'))).code).toBe(0);
  expect(await audited(token)).toEqual(entries('restore', 'ann'));
  clock.advance(1_000);
  await run('restore', token, ...by('eve'));
  expect(await audited(token)).toEqual(entries('restore', 'ann'));
  expect((await run('restore', other, '--root', ...by('bob'))).code).toBe(0);
  const under = await ledgerOf(other);
  expect(under).toHaveLength(2);
  for (const each of under) expect(await audited(each)).toEqual(entries('restore', 'bob'));
});

test('the signature of a restored record is the one on record', async () => {
  const { cli: run, token, clock, audited } = await shipped();
  await run('archive');
  await run('restore', token, ...by('ann'));
  clock.advance(1_000);
  await run('hold', token, ...by('bob'));
  expect(await audited(token)).toEqual([...entries('restore', 'ann'), ...entries('hold', 'bob')]);
});

test('an archived operation’s purge is on record, one that is gone on with too', async () => {
  const { cli: run, connectWith, token, clock, cold, audited } = await withLedger();
  await run('archive');
  clock.advance(2 * HOUR_MS);
  const failing = connectWith({
    cold: { ...cold, put: () => Promise.reject(new Error('connection reset')) },
  });
  expect((await cli(failing, ['purge', token, ...by('ann')])).code).toBe(1);
  expect(await audited(token)).toEqual(['purge intended by ann']);
  clock.advance(1_000);
  expect((await run('purge', token, ...by('bob'))).code).toBe(0);
  expect(await audited(token)).toEqual([...entries('purge', 'ann'), ...entries('purge', 'bob')]);
});

test('nothing is done where its intention can’t be put on record', async () => {
  const { cli: run, connectWith, token, record, clock } = await withLedger();
  await run('archive');
  clock.advance(2 * HOUR_MS);
  const before = await record(token);
  const away = async () => {
    throw new StoreAway('connection refused');
  };
  const deaf = connectWith({}, { append: away, read: away, close: async () => {} });
  for (const verb of ['purge', 'restore']) {
    expect((await cli(deaf, [verb, token, ...by('ann')])).code).toBe(5);
  }
  expect(await record(token)).toEqual(before);
});

async function withLedger() {
  const all = await shipped();
  const { connect, runtime, store } = all;
  return {
    ...all,
    async ledgerOf(root: Token) {
      const { operations } = await store.ledger('shop' as Namespace, root, { limit: 100 });
      return operations.map(({ record }) => record.token);
    },
    connectWith:
      (changes: Partial<typeof runtime>, log?: AuditLog): typeof connect =>
      async (...asked) => ({
        ...(await connect(...asked)),
        runtime: { ...runtime, ...changes },
        ...(log && { auditLog: async () => log }),
      }),
  };
}
