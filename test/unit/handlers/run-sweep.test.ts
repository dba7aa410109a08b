import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { embeddedStore } from '../../../functions/src/adapters/embedded/store.ts';
import { runSweep } from '../../../functions/src/handlers/run-sweep.ts';
import { defineStep, registerSteps } from '../../../functions/src/index.ts';
import type { Namespace } from '../../../functions/src/index.ts';
import type { TokenStore } from '../../../functions/src/ports/token-store.ts';
import type { VerifyCaller } from '../../../functions/src/ports/verify-caller.ts';
import { runTask } from '../../../functions/src/engine/run-task.ts';
import { deliver, engineRuntime } from '../../support/engine-runtime.ts';
import { settableClock } from '../../support/settable-clock.ts';

const servers: ReturnType<typeof createServer>[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A deployment whose one operation failed for now, and waits for a redelivery that never comes. */
async function abandoned(changes: { store?: (real: TokenStore) => TokenStore } = {}) {
  const clock = settableClock();
  const real = embeddedStore(':memory:', clock);
  const step = defineStep({
    action: 'test.flaky',
    effect: 'pure',
    params: z.object({}),
    run() {
      throw new Error('not yet');
    },
  });
  const steps = registerSteps([step]);
  const runtime = engineRuntime(changes.store?.(real) ?? real, { clock });
  const delivery = deliver(step.task({}), clock.now());
  await runTask({ ...runtime, store: real }, steps, delivery);
  clock.advance(60_000);
  return { runtime, steps, namespace: 'shop' as Namespace, token: delivery.task.token };
}

type Deployment = Awaited<ReturnType<typeof abandoned>>;

interface Call {
  readonly method?: string;
  readonly verifyCaller?: VerifyCaller | 'unverified';
}

async function called(
  deployment: Deployment,
  { method = 'POST', verifyCaller = 'unverified' }: Call = {},
): Promise<{ status: number; text: string }> {
  const handle = runSweep({ ...deployment, verifyCaller });
  const server = createServer((request, response) => void handle(request, response));
  servers.push(server);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/`, { method });
  return { status: response.status, text: await response.text() };
}

test('a scheduled call publishes again what has been left lying', async () => {
  const deployment = await abandoned();
  const { status, text } = await called(deployment);
  expect(status).toBe(200);
  expect(JSON.parse(text)).toEqual({ redriven: 1, published: 0, moved: 0, versions: 0, failed: 0 });
  expect(deployment.runtime.published.map(({ token }) => token)).toEqual([deployment.token]);
});

test('a caller that can’t prove itself sweeps nothing', async () => {
  const deployment = await abandoned();
  const verifyCaller: VerifyCaller = async () => ({ kind: 'refused', status: 403, why: 'a test' });
  const { status } = await called(deployment, { verifyCaller });
  expect(status).toBe(403);
  expect(deployment.runtime.published).toEqual([]);
});

test('only a POST is taken for a scheduler’s', async () => {
  expect((await called(await abandoned(), { method: 'GET' })).status).toBe(405);
});

test('with the store away it answers 503, and the next call finds the work again', async () => {
  let away = true;
  const deployment = await abandoned({
    store: (real) => ({
      ...real,
      due: (...asked) =>
        away ? Promise.reject(new Error('no route to the store')) : real.due(...asked),
    }),
  });
  expect((await called(deployment)).status).toBe(503);
  away = false;
  expect(JSON.parse((await called(deployment)).text)).toMatchObject({ redriven: 1 });
});
