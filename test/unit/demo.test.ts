import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
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

afterAll(async () => {
  await rm(temporary, { recursive: true, force: true });
  await rm(modelLog(), { force: true });
});

/** Where the planner's model notes its calls; outside of the folder that is to be left empty. */
function modelLog(): string {
  return `${temporary}.model`;
}

async function runDemo(...args: string[]): Promise<{ text: string; last: unknown }> {
  const { stdout } = await promisify(execFile)(process.execPath, [DEMO, ...args], {
    env: { ...process.env, TMPDIR: temporary, NO_COLOR: '1', SCRIPTED_MODEL_LOG: modelLog() },
    timeout: TIME_ENOUGH_MS,
  });
  const lines = stdout.trimEnd().split('\n');
  return { text: stdout, last: JSON.parse(lines.at(-1) ?? '') };
}

test(
  'two orders and a trip published twice, their worker killed after the charge, have each effect once',
  async () => {
    const { text, last } = await runDemo('--json');
    expect(last).toEqual({
      store: 'embedded',
      orders: 1,
      tasks: 17,
      deliveries: expect.any(Number),
      attempts: expect.any(Number),
      kills: 1,
      effects: 9,
      duplicateEffects: 0,
      lostEffects: 0,
      unsettled: 0,
      seconds: expect.any(Number),
    });
    const { deliveries, attempts } = last as { deliveries: number; attempts: number };
    expect(deliveries).toBeGreaterThanOrEqual(37);
    expect(attempts).toBeGreaterThanOrEqual(20);
    expect(text).toMatch(
      /SIGKILL to worker 1[^]*order-1: knows this idempotency-key: answers charge/,
    );
    expect(text).toMatch(/order-2: pays the charge back[^]*order-2: releases the stock/);
    expect(text.match(/trip-1: takes the payment/g)).toHaveLength(1);
    expect(text).toContain('Each effect happened once.');
    expect(await readdir(temporary)).toEqual([]);
    const planned = (await readFile(modelLog(), 'utf8')).trimEnd().split('\n');
    expect(planned).toEqual(['trip-1\t0', 'trip-1\t1', 'trip-1\t2', 'trip-1\t3']);
  },
  TIME_ENOUGH_MS,
);

test(
  'a kill that hits six charged orders and a payment at once costs each one attempt, and no effect',
  async () => {
    const { last } = await runDemo('--json', '--orders', '5');
    expect(last).toMatchObject({
      orders: 5,
      tasks: 33,
      kills: 1,
      effects: 21,
      duplicateEffects: 0,
      lostEffects: 0,
      unsettled: 0,
    });
    expect((last as { attempts: number }).attempts).toBeGreaterThanOrEqual(40);
  },
  TIME_ENOUGH_MS,
);
