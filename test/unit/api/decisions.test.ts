import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { jsonLinesTelemetry } from '../../../functions/src/adapters/system/telemetry.ts';
import { registerSteps } from '../../../functions/src/engine/register-steps.ts';
import { runTask } from '../../../functions/src/engine/run-task.ts';
import { defineStep } from '../../../functions/src/engine/step.ts';
import { StoreAway } from '../../../functions/src/operation/errors.ts';
import { shownToken } from '../../../functions/src/token/token.ts';
import { deliver } from '../../support/engine-runtime.ts';
import { serveApi } from './service.ts';
import type { ServedApi } from './service.ts';

interface Line {
  readonly severity: string;
  readonly message: string;
  readonly decision?: Readonly<Record<string, unknown>>;
  readonly 'logging.googleapis.com/trace'?: string;
}

let lines: Line[];
let api: ServedApi;

const telemetry = jsonLinesTelemetry({
  write: (line) => void lines.push(JSON.parse(line) as Line),
  project: 'shop-1',
});

beforeEach(async () => {
  lines = [];
  api = await serveApi({ runtime: { telemetry } });
});

afterEach(() => api.close());

const CHARGE = { key: 'order-17', action: 'payments.charge', params: { cents: 100 } };

/** The decisions since the last look. */
function taken(): Readonly<Record<string, unknown>>[] {
  const decisions = lines.flatMap(({ decision }) => (decision ? [decision] : []));
  lines = [];
  return decisions;
}

async function outcomeOf(path: string, body: object): Promise<unknown> {
  taken();
  await api.post(path, body);
  const decisions = taken();
  expect(decisions).toHaveLength(1);
  return decisions[0]?.['outcome'];
}

describe('a decision', () => {
  it('is one line with the fields of a task’s, its token hashed and its trace linked', async () => {
    const headers = { traceparent: `00-${'a1'.repeat(16)}-${'b2'.repeat(8)}-01` };
    const { body } = await api.post('/v1/begin', CHARGE, { headers });
    const [line] = lines;
    expect(lines).toHaveLength(1);
    expect(line).toMatchObject({ severity: 'INFO', message: 'payments.charge: claimed' });
    expect(line?.['logging.googleapis.com/trace']).toBe(
      `projects/shop-1/traces/${'a1'.repeat(16)}`,
    );
    expect(line?.decision).toEqual({
      outcome: 'claimed',
      action: 'payments.charge',
      class: 'api',
      store: 'embedded',
      milliseconds: expect.any(Number) as number,
      checkMilliseconds: expect.any(Number) as number,
      attempt: 1,
      token: shownToken(body.token),
      namespace: 'shop',
    });
    expect(JSON.stringify(lines)).not.toContain(body.token);

    const step = defineStep({
      action: 'test.charge',
      effect: 'pure',
      params: z.object({}),
      run: () => 1,
    });
    const delivery = deliver(step.task({}), Date.now(), { key: 'task-1' });
    lines = [];
    await runTask(api.runtime, registerSteps([step]), delivery);
    const { messageId: _, ...task } = lines[0]?.decision ?? {};
    expect(Object.keys(task).toSorted()).toEqual(Object.keys(line?.decision ?? {}).toSorted());
  });

  it('of each call has the outcome that a task would have', async () => {
    expect(await outcomeOf('/v1/check', CHARGE)).toBe('free');
    expect(await outcomeOf('/v1/begin', CHARGE)).toBe('claimed');
    expect(await outcomeOf('/v1/check', CHARGE)).toBe('in_flight_here');
    expect(await outcomeOf('/v1/begin', CHARGE)).toBe('in_flight_here');
    expect(await outcomeOf('/v1/record', { ...CHARGE, result: 1 })).toBe('in_flight_here');
    expect(await outcomeOf('/v1/begin', { ...CHARGE, params: 0 })).toBe('mismatch');
    expect(await outcomeOf('/v1/begin', { ...CHARGE, key: 'old', madeAt: 1 })).toBe('expired');

    const claimed = async (key: string): Promise<string> =>
      (await api.post('/v1/begin', { ...CHARGE, key })).body.handle as string;
    const error = { code: 'declined', message: 'No cover.' };
    const handle = await claimed('a');
    expect(await outcomeOf('/v1/renew', { handle })).toBe('held');
    expect(await outcomeOf('/v1/complete', { handle, result: 1 })).toBe('completed');
    expect(await outcomeOf('/v1/begin', { ...CHARGE, key: 'a' })).toBe('replayed');
    expect(await outcomeOf('/v1/check', { ...CHARGE, key: 'a' })).toBe('replayed');
    expect(await outcomeOf('/v1/record', { ...CHARGE, key: 'a', result: 2 })).toBe('mismatch');
    expect(await outcomeOf('/v1/record', { ...CHARGE, key: 'b', result: 2 })).toBe('completed');
    expect(await outcomeOf('/v1/record', { ...CHARGE, key: 'b', result: 2 })).toBe('replayed');
    const failing = { handle: await claimed('c'), error, notDone: true };
    expect(await outcomeOf('/v1/fail', failing)).toBe('terminal_error');
    expect(await outcomeOf('/v1/fail', { handle: await claimed('d'), error })).toBe('in_doubt');
    expect(await outcomeOf('/v1/begin', { ...CHARGE, key: 'd' })).toBe('in_doubt');
    const freed = await claimed('e');
    expect(await outcomeOf('/v1/release', { handle: freed, notDone: true })).toBe('free');
    expect(await outcomeOf('/v1/complete', { handle: freed, result: 1 })).toBe('claim_lost');
  });

  it('that refuses says why, and one about a claim says whose attempt it was', async () => {
    const { handle } = (await api.post('/v1/begin', CHARGE)).body as { handle: string };
    await api.post('/v1/release', { handle, notDone: true });
    const { body: second } = await api.post('/v1/begin', CHARGE);
    taken();
    await api.post('/v1/complete', { handle, result: 1 });
    await api.post('/v1/complete', { handle: second.handle, result: 1 });
    expect(taken()).toMatchObject([
      { outcome: 'claim_lost', attempt: 1, error: { code: 'claim_lost' } },
      { outcome: 'completed', attempt: 2, action: 'payments.charge', class: 'api' },
    ]);
  });

  it('of a batch is a line for each of its operations', async () => {
    await api.post('/v1/begin', CHARGE);
    taken();
    const operations = [CHARGE, { key: 'x', action: 'mail.send' }, { key: '' }];
    await api.post('/v1/check-batch', { operations: operations.slice(0, 2) });
    expect(taken()).toMatchObject([
      { outcome: 'in_flight_here', action: 'payments.charge' },
      { outcome: 'free', action: 'mail.send' },
    ]);
    await api.post('/v1/begin-batch', { operations: operations.slice(0, 2) });
    expect(taken()).toMatchObject([{ outcome: 'in_flight_here' }, { outcome: 'claimed' }]);
  });

  it('with the store away is one too', async () => {
    const gone = async () => {
      throw new StoreAway('connection refused');
    };
    const store = { ...api.runtime.store, claim: gone, getMany: gone, record: gone };
    const away = await serveApi({
      store: { ...store, close: async () => {} },
      runtime: { telemetry },
    });
    for (const path of ['/v1/begin', '/v1/check', '/v1/record']) {
      const body = path === '/v1/record' ? { ...CHARGE, result: 1 } : CHARGE;
      await away.post(path, body);
      expect(lines).toMatchObject([{ severity: 'ERROR', decision: { outcome: 'store_away' } }]);
      lines = [];
    }
    await away.close();
  });

  it('tells drift', async () => {
    const contexts = ['1', '2'].map((prices) => ({ context: { versions: { prices } } }));
    const { body } = await api.post('/v1/begin', { ...CHARGE, ...contexts[0] });
    await api.post('/v1/complete', { handle: body.handle, result: 1 });
    taken();
    await api.post('/v1/begin', { ...CHARGE, ...contexts[1] });
    expect(taken()).toMatchObject([{ outcome: 'replayed', drift: true }]);
  });

  it('takes no trace from a header that is none', async () => {
    await api.post('/v1/check', CHARGE, { headers: { traceparent: '00-x"}-y-z' } });
    expect(lines[0]).not.toHaveProperty('logging.googleapis.com/trace');
  });
});

it('no log line holds a token, with which whoever reads it could ask for the result', async () => {
  const begun = await api.post('/v1/begin', CHARGE);
  const { token, handle } = begun.body as { token: string; handle: string };
  await api.post('/v1/begin', CHARGE);
  await api.post('/v1/begin', { ...CHARGE, params: { cents: 1 } });
  await api.post('/v1/check', { ...CHARGE, params: { cents: 1 } });
  await api.post('/v1/renew', { handle, token: `${token.slice(0, -2)}AA` });
  await api.post('/v1/complete', { handle, result: 1 });
  await api.post('/v1/record', { ...CHARGE, result: 2 });
  await api.post('/v1/record', { key: 'late', action: 'a.b', madeAt: 1, result: 1 });
  const told = lines.flatMap(({ decision }) => (decision ? [decision['error']] : []));
  expect(told).toEqual([
    undefined,
    { code: 'in_flight', message: 'Somebody else runs the operation now' },
    { code: 'mismatch', message: 'The key or token belongs to another request' },
    { code: 'mismatch', message: 'The key or token belongs to another request' },
    { code: 'mismatch', message: 'The key or token belongs to another request' },
    undefined,
    { code: 'other_outcome', message: 'Another outcome is on record' },
    { code: 'expired', message: 'The request is too old' },
  ]);
  expect(JSON.stringify(lines)).not.toMatch(/[a-z]\d_[\w-]{43}/);
  expect(JSON.stringify(lines)).not.toContain(handle);
});
