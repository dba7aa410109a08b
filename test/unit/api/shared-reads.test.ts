import { describe, expect, it } from 'vitest';
import { sharedReads } from '../../../functions/src/engine/shared-reads.ts';
import { developmentCaller } from '../../../functions/src/adapters/auth/api-caller.ts';
import { systemClock } from '../../../functions/src/adapters/system/clock.ts';
import { embeddedStore } from '../../../functions/src/adapters/embedded/store.ts';
import { DEVELOPMENT_TOKEN, serveApi } from './service.ts';

/** Reads that are answered when told to. */
function slowReads() {
  const begun: { name: string; answer: (value: string) => void; fail: () => void }[] = [];
  const read = sharedReads(
    (name: string) => name,
    (name) => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      begun.push({ name, answer: resolve, fail: () => reject(new Error('away')) });
      return promise;
    },
  );
  return { begun, read };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('reads of the same at once', () => {
  it('are one for all who came before it began, and none for who comes after', async () => {
    const { begun, read } = slowReads();
    const first = read('a');
    const late = [read('a'), read('a'), read('a')];
    expect(begun).toHaveLength(1);
    begun[0]?.answer('before');
    expect(await first).toBe('before');
    await turn();
    expect(begun).toHaveLength(2);
    begun[1]?.answer('after');
    expect(await Promise.all(late)).toEqual(['after', 'after', 'after']);
    void read('a');
    expect(begun).toHaveLength(3);
  });

  it('go on after one that failed', async () => {
    const { begun, read } = slowReads();
    const first = read('a');
    const second = read('a');
    begun[0]?.fail();
    await expect(first).rejects.toThrow('away');
    await turn();
    begun[1]?.answer('back');
    expect(await second).toBe('back');
  });

  it('of different things are apart', () => {
    const { begun, read } = slowReads();
    void read('a');
    void read('b');
    expect(begun.map(({ name }) => name)).toEqual(['a', 'b']);
  });
});

describe('checks of one operation at once', () => {
  it('share reads, within a namespace', async () => {
    const real = embeddedStore(':memory:', systemClock);
    let reads = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const store = {
      ...real,
      getMany: async (...asked: Parameters<typeof real.getMany>) => {
        reads += 1;
        await promise;
        return real.getMany(...asked);
      },
    };
    const known = developmentCaller(DEVELOPMENT_TOKEN, 'agent@shop');
    let arrived = 0;
    const identify: typeof known = (authorization) => {
      arrived += 1;
      return known(authorization);
    };
    const api = await serveApi({ store, service: { identify } });
    const check = (key: string, as: string) => api.post('/v1/check', { key }, { as });
    const asked = [
      ...Array.from({ length: 30 }, () => check('order-17', 'agent@shop')),
      ...Array.from({ length: 30 }, () => check('order-17', 'agent@bank')),
    ];
    await expect.poll(() => arrived).toBe(60);
    await turn();
    expect(reads).toBe(2);
    resolve();
    const answers = await Promise.all(asked);
    expect(new Set(answers.map(({ body }) => body.state as string))).toEqual(new Set(['absent']));
    expect(new Set(answers.map(({ body }) => body.token as string)).size).toBe(2);
    expect(reads).toBe(4);
    await api.close();
  });

  it('are not answered by a read from before what their caller did', async () => {
    const real = embeddedStore(':memory:', systemClock);
    const { promise: held, resolve } = Promise.withResolvers<void>();
    const { promise: reading, resolve: reads } = Promise.withResolvers<void>();
    let first = true;
    const store = {
      ...real,
      getMany: async (...asked: Parameters<typeof real.getMany>) => {
        const found = await real.getMany(...asked);
        if (first) {
          first = false;
          reads();
          await held;
        }
        return found;
      },
    };
    const known = developmentCaller(DEVELOPMENT_TOKEN, 'agent@shop');
    let arrived = 0;
    const identify: typeof known = (authorization) => {
      arrived += 1;
      return known(authorization);
    };
    const api = await serveApi({ store, service: { identify } });
    const before = api.post('/v1/check', { key: 'order-17' });
    await reading;
    const elsewhere = await serveApi({ store: { ...store, close: async () => {} } });
    const recorded = await elsewhere.post('/v1/record', { key: 'order-17', result: 1 });
    expect(recorded.status).toBe(201);
    const after = api.post('/v1/check', { key: 'order-17' });
    await expect.poll(() => arrived).toBe(2);
    await turn();
    resolve();
    expect((await before).body.state).toBe('absent');
    expect((await after).body.state).toBe('completed');
    await elsewhere.close();
    await api.close();
  });
});
