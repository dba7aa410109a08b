import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createClient,
  NotDone,
  OnceFailed,
  OnceUnknown,
} from '../../../functions/src/client/index.ts';
import type { Client, ClientOptions } from '../../../functions/src/client/index.ts';
import { fetchOnce } from '../../../functions/src/middleware/fetch.ts';
import { NotDone as StepsNotDone } from '../../../functions/src/operation/errors.ts';
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

/** A URL that refuses connections. */
async function nobodyThere(): Promise<string> {
  const { url, close } = await somebodyThere();
  await close();
  return url;
}

async function somebodyThere(): Promise<{ url: string; close: () => Promise<unknown> }> {
  const server = createServer((_request, response) => response.end('ok')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.closeAllConnections();
    return once(server.close(), 'close');
  };
  return { url: `http://127.0.0.1:${port}`, close };
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

  it('gives the claim back where fetchOnce found nobody to ask, and runs it again', async () => {
    const url = await nobodyThere();
    const charging = client.once(CHARGE, async ({ token, signal }) => {
      await fetchOnce({ idempotencyKey: token, signal })(url, { method: 'POST' });
    });
    await expect(charging).rejects.toMatchObject({ code: 'endpoint_unreachable' });
    expect(await client.get(CHARGE)).toMatchObject({ state: 'free', started: false });
    expect(await client.once(CHARGE, () => 2)).toEqual({ result: 2, replayed: false });
  });

  it('leaves it to a person where fetchOnce may have done one call before it failed', async () => {
    const [there, nowhere] = [await somebodyThere(), await nobodyThere()];
    const charging = client.once(CHARGE, async ({ token, signal }) => {
      const call = fetchOnce({ idempotencyKey: token, signal });
      await call(there.url, { method: 'POST' });
      await call(nowhere, { method: 'POST' });
    });
    await expect(charging).rejects.toMatchObject({ name: 'RetryableError' });
    await there.close();
    expect(await client.get(CHARGE)).toMatchObject({ state: 'in_doubt' });
  });

  it.each([
    ['of this package', NotDone],
    ['of agent-once', StepsNotDone],
  ])('takes the error %s at its word, final or not', async (_, Thrown) => {
    const throwing = (error: Error) => () => {
      throw error;
    };
    const later = throwing(new Thrown('busy', 'Later.', { retryAfterMs: 60_000 }));
    await expect(client.once(CHARGE, later)).rejects.toThrow('Later.');
    const waiting = await client.get(CHARGE);
    expect(waiting).toMatchObject({ state: 'in_flight', started: false });
    expect(waiting?.retryAfterMs).toBeGreaterThan(50_000);
    const never = throwing(new Thrown('declined', 'No cover.', { final: true }));
    const other = { ...CHARGE, key: 'order-18' };
    await expect(client.once(other, never)).rejects.toThrow('No cover.');
    expect(await client.get(other)).toMatchObject({ state: 'failed', error: { code: 'declined' } });
  });

  it.each([Infinity, 86_400_000.5, 1.5, -1, Number.NaN])(
    'gives the claim back with a wait that the service takes, for one of %s ms',
    async (retryAfterMs) => {
      const refused = client.once(CHARGE, () => {
        throw new StepsNotDone('busy', 'Later.', { retryAfterMs });
      });
      await expect(refused).rejects.toThrow('Later.');
      expect(await client.get(CHARGE)).toMatchObject({ started: false, error: { code: 'busy' } });
    },
  );

  it('does not take another error of that name for a promise', async () => {
    const broken = client.once(CHARGE, () => {
      throw Object.assign(new Error('half sent'), { name: 'NotDone' });
    });
    await expect(broken).rejects.toThrow('half sent');
    expect(await client.get(CHARGE)).toMatchObject({ state: 'in_doubt' });
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

  it('does not call an effect undone that its provider can’t tell of yet', async () => {
    const request = { ...CHARGE, effect: 'reconcilable', trackingId: 'ch_1' } as const;
    const { handle } = (await client.begin(request)) as { handle: string };
    await client.release(handle);
    const reconcile = async () => ({ state: 'unknown' }) as const;
    const around = client.once({ key: 'around' }, () =>
      client.once({ ...request, reconcile }, () => 'charged twice'),
    );
    await expect(around).rejects.toThrow(OnceUnknown);
    expect(await client.get(CHARGE)).toMatchObject({ started: true, trackingId: 'ch_1' });
    expect(await client.get({ key: 'around' })).toMatchObject({ state: 'in_doubt' });
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
