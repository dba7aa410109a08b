import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient, NotDone, OnceFailed } from '../../../functions/src/client/index.ts';
import type { Client, ClientOptions } from '../../../functions/src/client/index.ts';
import { DEVELOPMENT_TOKEN, serveApi } from './service.ts';
import type { ServedApi } from './service.ts';

let api: ServedApi;
let client: Client;

beforeEach(async () => {
  api = await serveApi();
  client = clientOf();
});

afterEach(() => api.close());

function clientOf(options: Partial<ClientOptions> = {}): Client {
  return createClient({ url: api.url, token: DEVELOPMENT_TOKEN, ...options });
}

const CHARGE = { key: 'order-17', action: 'payments.charge', params: { cents: 100 } } as const;

describe('once', () => {
  it('runs an effect once, and answers its result from then on', async () => {
    let runs = 0;
    const effect = () => ({ charge: `c${(runs += 1)}` });
    expect(await client.once(CHARGE, effect)).toEqual({
      result: { charge: 'c1' },
      replayed: false,
    });
    expect(await client.once(CHARGE, effect)).toEqual({ result: { charge: 'c1' }, replayed: true });
    expect(runs).toBe(1);
  });

  it('lets one of a hundred racing clients run, and the others wait for its result', async () => {
    let runs = 0;
    const effect = async () => {
      runs += 1;
      await delay(50);
      return runs;
    };
    const racing = Array.from({ length: 100 }, () =>
      clientOf().once({ ...CHARGE, waitMs: 15_000 }, effect),
    );
    const answers = await Promise.all(racing);
    expect(runs).toBe(1);
    expect(answers.map(({ result }) => result)).toEqual(Array(100).fill(1));
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
  });

  it('fails fast while another runs it, where it does not wait', async () => {
    await client.begin(CHARGE);
    const failing = client.once(CHARGE, () => 1);
    await expect(failing).rejects.toMatchObject({
      problem: { code: 'in_flight', retryable: true },
    });
  });

  it('keeps its claim alive for longer than its lease', async () => {
    const slow = client.once({ ...CHARGE, leaseMs: 1_000 }, async ({ signal }) => {
      await delay(1_600, undefined, { signal });
      return 'done';
    });
    await expect(slow).resolves.toEqual({ result: 'done', replayed: false });
  });

  it('aborts the effect of a claim that an operator ended, and records nothing of it', async () => {
    const running = client.once({ ...CHARGE, leaseMs: 1_000 }, async ({ signal, token }) => {
      const operation = await client.get({ token });
      const answer = await api.post(
        `/v1/operations/${token}/interventions`,
        { verb: 'force_release', reason: 'stuck', fence: operation?.fence },
        { as: 'operator@shop' },
      );
      expect(answer.status).toBe(200);
      await delay(10_000, undefined, { signal });
    });
    await expect(running).rejects.toThrow(/abort/i);
    expect(await client.get(CHARGE)).toMatchObject({ started: true });
    expect(await client.check(CHARGE)).toMatchObject({
      state: expect.stringMatching(/doubt|free/),
    });
  });

  it('gives the claim back for an effect that was not done, and runs it again', async () => {
    const refused = client.once(CHARGE, () => {
      throw new NotDone('busy', 'Not now.');
    });
    await expect(refused).rejects.toThrow('Not now.');
    expect(await client.once(CHARGE, () => 2)).toEqual({ result: 2, replayed: false });
  });

  it('records a final refusal, and replays it', async () => {
    const effect = () => {
      throw new NotDone('declined', 'No cover.', { final: true });
    };
    await expect(client.once(CHARGE, effect)).rejects.toThrow('No cover.');
    const again = client.once(CHARGE, effect);
    await expect(again).rejects.toThrow(OnceFailed);
    await expect(again).rejects.toMatchObject({ code: 'declined' });
  });

  it('leaves an effect of which nothing is known to a person', async () => {
    const broken = client.once(CHARGE, () => {
      throw new Error('socket hang up');
    });
    await expect(broken).rejects.toThrow('socket hang up');
    const again = client.once(CHARGE, () => 2);
    await expect(again).rejects.toMatchObject({ problem: { code: 'in_doubt' } });
  });

  it('asks the provider what became of an effect before it runs it again', async () => {
    const request = { ...CHARGE, effect: 'reconcilable', trackingId: 'ch_1' } as const;
    const { handle } = (await client.begin(request)) as { handle: string };
    await client.release(handle);
    const asked: string[] = [];
    const answer = await client.once(
      {
        ...request,
        reconcile: async (id) => {
          asked.push(id);
          return { state: 'committed', result: 'charged before' };
        },
      },
      () => 'charged twice',
    );
    expect(answer.result).toBe('charged before');
    expect(asked).toEqual(['ch_1']);
  });
});

describe('a call', () => {
  it('whose answer is lost is sent again, and finds its own claim', async () => {
    let calls = 0;
    const losing: typeof fetch = async (...request) => {
      const response = await fetch(...request);
      calls += 1;
      if (calls === 1) throw new TypeError('connection reset');
      return response;
    };
    const answer = await clientOf({ fetch: losing }).begin(CHARGE);
    expect(answer).toMatchObject({ state: 'claimed', fence: 1 });
    expect(answer).not.toHaveProperty('reconcile');
    expect(calls).toBe(2);
  });

  it('to a service that is away ends at its deadline, and runs no effect', async () => {
    let runs = 0;
    const away: typeof fetch = async () => {
      throw new TypeError('connection refused');
    };
    const failing = clientOf({ fetch: away, deadlineMs: 300 }).once(CHARGE, () => (runs += 1));
    await expect(failing).rejects.toMatchObject({ code: 'service_away' });
    expect(runs).toBe(0);
  });

  it('for an operation that is absent answers nothing', async () => {
    expect(await client.get({ key: 'never "seen"' })).toBeUndefined();
  });
});
