import { afterEach, describe, expect, it } from 'vitest';
import { verifyEndpoint } from '../../../functions/src/testing/index.ts';
import type { VerifyReport } from '../../../functions/src/testing/index.ts';
import { endpoint } from './endpoints.ts';
import type { Endpoint, Flaw } from './endpoints.ts';

const open: Endpoint[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

async function verified(flaw: Flaw, { counted = true } = {}): Promise<VerifyReport> {
  const served = await endpoint(flaw);
  open.push(served);
  const { url, effects, restart, expire } = served;
  const count = counted ? { effects } : {};
  return verifyEndpoint({ url, body: { cents: 100 }, restart, expire, ...count });
}

/** Which steps failed, with the reason. */
function faults({ checks }: VerifyReport): Record<string, string> {
  return Object.fromEntries(
    checks.flatMap((check) => (check.outcome === 'failed' ? [[check.name, check.fault]] : [])),
  );
}

describe.each([
  ['where the effects are counted', true],
  ['where replies name their effects', false],
])('%s', (_where, counted) => {
  it('passes an endpoint that is right', async () => {
    const report = await verified('none', { counted });
    expect(report.failures).toEqual([]);
    expect(report.passed).toBe(true);
    expect(report.checks.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
      'first passed',
      'same passed',
      'mismatch passed',
      'varied passed',
      'concurrent passed',
      'restart passed',
      'expiry passed',
    ]);
  });

  it.each<[Flaw, Record<string, string>]>([
    [
      'ignores the key',
      {
        same: 'runs_again',
        mismatch: 'not_refused',
        concurrent: 'runs_twice',
        restart: 'forgets',
        expiry: 'forgets',
      },
    ],
    ['replays whatever the parameters', { mismatch: 'not_refused' }],
    ['runs twice when asked at the same time', { concurrent: 'runs_twice' }],
    ['forgets at a restart', { restart: 'forgets' }],
    ['forgets at expiry', { expiry: 'forgets' }],
    [
      'replays another status',
      {
        same: 'other_reply',
        concurrent: 'other_reply',
        restart: 'other_reply',
        expiry: counted ? 'other_reply' : 'forgets',
      },
    ],
  ])('fails one that %s', async (flaw, expected) => {
    const report = await verified(flaw, { counted });
    expect(report.passed).toBe(false);
    expect(faults(report)).toEqual(expected);
  });
});

it('tells a reply that is not given again from an effect that is made again, by counting', async () => {
  expect(faults(await verified('replays another body'))).toMatchObject({ same: 'other_reply' });
  expect(faults(await verified('forgets at once'))).toMatchObject({ same: 'runs_again' });
});

it('asks for a count where replies do not name their effects', async () => {
  const report = await verified('answers the same for all parameters', { counted: false });
  expect(faults(report)).toEqual({ varied: 'not_varied' });
  expect(report.failures[0]).toContain('have the effects counted');
  expect((await verified('answers the same for all parameters')).passed).toBe(true);
});

it('says what was answered where there is no first result', async () => {
  const report = await verified('refuses everything');
  expect(report.failures).toEqual([
    'an operation: a result: A new request was answered 403 {"error":"forbidden"}.',
  ]);
  expect(report.checks.slice(1).every(({ outcome }) => outcome === 'not_checked')).toBe(true);
});

it('says where nothing answers', async () => {
  const report = await verified('breaks the connection');
  expect(faults(report)).toEqual({ first: 'no_success' });
  expect(report.failures[0]).toMatch(/POST http.* gave no answer: /);
});

it('does not call passed what it could not check', async () => {
  const served = await endpoint('forgets at a restart');
  open.push(served);
  const { checks, passed } = await verifyEndpoint({ url: served.url, body: { cents: 100 } });
  expect(passed).toBe(true);
  expect(checks.filter(({ outcome }) => outcome === 'not_checked').map(({ name }) => name)).toEqual(
    ['restart', 'expiry'],
  );
});

it('takes a key that is used anew after its expiry for right only where that is asked for', async () => {
  const served = await endpoint('forgets at expiry');
  open.push(served);
  const { url, effects, expire } = served;
  const asked = { url, effects, expire, body: { cents: 100 } };
  expect((await verifyEndpoint(asked)).passed).toBe(false);
  expect((await verifyEndpoint({ ...asked, afterExpiry: 'forgotten' })).passed).toBe(true);
});

it('asks for other parameters where there is nothing to vary', async () => {
  await expect(verifyEndpoint({ url: 'http://127.0.0.1:1', body: [] })).rejects.toThrow(RangeError);
});
