import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const DEMO = fileURLToPath(new URL('../../scripts/demo.ts', import.meta.url));
const TIME_ENOUGH_MS = 60_000;

let temporary: string;

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'demo-test-'));
});

afterAll(() => rm(temporary, { recursive: true, force: true }));

async function runDemo(...args: string[]): Promise<{ text: string; last: unknown }> {
  const { stdout } = await promisify(execFile)(process.execPath, [DEMO, ...args], {
    env: { ...process.env, TMPDIR: temporary, NO_COLOR: '1' },
    timeout: TIME_ENOUGH_MS,
  });
  const lines = stdout.trimEnd().split('\n');
  return { text: stdout, last: JSON.parse(lines.at(-1) ?? '') };
}

test(
  'an order published twice, its worker killed after the charge, has each effect once',
  async () => {
    const { text, last } = await runDemo('--json');
    expect(last).toEqual({
      store: 'embedded',
      orders: 1,
      tasks: 3,
      deliveries: expect.any(Number),
      attempts: expect.any(Number),
      kills: 1,
      effects: 3,
      duplicateEffects: 0,
      lostEffects: 0,
      unsettled: 0,
      seconds: expect.any(Number),
    });
    const { deliveries, attempts } = last as { deliveries: number; attempts: number };
    expect(deliveries).toBeGreaterThanOrEqual(7);
    expect(attempts).toBeGreaterThanOrEqual(4);
    expect(text).toMatch(/SIGKILL to worker 1[^]*knows this idempotency-key: answers charge-2/);
    expect(text).toContain('Each effect happened once.');
    expect(await readdir(temporary)).toEqual([]);
  },
  TIME_ENOUGH_MS,
);

test(
  'a kill that hits five charged orders at once costs each one attempt, and no effect',
  async () => {
    const { last } = await runDemo('--json', '--orders', '5');
    expect(last).toMatchObject({
      orders: 5,
      tasks: 15,
      kills: 1,
      effects: 15,
      duplicateEffects: 0,
      lostEffects: 0,
      unsettled: 0,
    });
    expect((last as { attempts: number }).attempts).toBeGreaterThanOrEqual(20);
  },
  TIME_ENOUGH_MS,
);
