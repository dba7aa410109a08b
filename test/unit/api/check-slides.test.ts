import { expect, test } from 'vitest';
import { embeddedStore } from '../../../functions/src/adapters/embedded/store.ts';
import { settableClock } from '../../support/settable-clock.ts';
import { serveApi } from './service.ts';

const HOUR_MS = 3_600_000;
const CHARGE = { action: 'payments.charge', key: 'order-1', params: { cents: 1 } };

test.each([
  ['/v1/check', (operation: object) => operation],
  ['/v1/check-batch', (operation: object) => ({ operations: [operation] })],
])(
  '%s gives a settled operation a full life, once less than half of it is left',
  async (path, asked) => {
    const clock = settableClock();
    const store = embeddedStore(':memory:', clock);
    const { post, close } = await serveApi({ store, runtime: { clock } });
    const writes: number[] = [];
    const expiry = async () => {
      const { operations } = await store.expired(0, { limit: 1 });
      expect(operations).toEqual([]);
      const { body } = await post('/v1/check', CHARGE);
      writes.push(body.operation.updatedAt as number);
      return (body.operation.expireAt as number) - clock.now();
    };
    await post('/v1/record', { ...CHARGE, result: 'charged' });
    clock.advance(0.4 * HOUR_MS);
    expect((await post(path, asked(CHARGE))).status).toBeLessThan(300);
    expect(await expiry()).toBeCloseTo(0.6 * HOUR_MS, -3);
    clock.advance(0.2 * HOUR_MS);
    expect((await post(path, asked(CHARGE))).status).toBeLessThan(300);
    expect(await expiry()).toBeCloseTo(HOUR_MS, -3);
    clock.advance(1_000);
    await post(path, asked(CHARGE));
    await expiry();
    expect(writes.at(-1)).toBe(writes.at(-2));
    await close();
  },
);
