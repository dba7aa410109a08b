import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { compose } from '../../../functions/src/compose.ts';
import type { Composition, Overrides } from '../../../functions/src/compose.ts';
import { parseConfig } from '../../../functions/src/config.ts';
import { registerSteps } from '../../../functions/src/engine/register-steps.ts';
import { makeTask } from '../../../functions/src/engine/tasks.ts';
import { handleMessage } from '../../../functions/src/handlers/handle-message.ts';
import type { Namespace } from '../../../functions/src/token/token.ts';

let folder: string;
const open: Composition[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'agent-once-'));
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((composition) => composition.close()));
  await rm(folder, { recursive: true, force: true });
});

const NAMESPACE = 'shop' as Namespace;
const SILENT = { decision: () => {}, event: () => {} };

async function composed(overrides: Overrides = {}): Promise<Composition> {
  const config = parseConfig({
    AGENT_ONCE_NAMESPACE: NAMESPACE,
    AGENT_ONCE_STORE: `embedded:${join(folder, 'made/on/the/way/store.sqlite')}`,
    PUBSUB_EMULATOR_HOST: '127.0.0.1:1',
  });
  const composition = await compose(config, { telemetry: SILENT, ...overrides });
  open.push(composition);
  return composition;
}

const task = () =>
  makeTask(
    { action: 'a.b', params: {} },
    { namespace: NAMESPACE, agent: 'agent-7', key: 'order-17' },
    Date.now(),
  );

it('what one process publishes on a file, another one pulls', async () => {
  const [publisher, worker] = [await composed(), await composed()];
  await publisher.runtime.publisher.publish([task()]);
  const pulled = worker.queue?.pull(1_000);
  expect(JSON.parse(Buffer.from(pulled?.data ?? []).toString())).toMatchObject({ action: 'a.b' });
});

it('a decorated port takes the place of the real one, which it is given', async () => {
  const calls: string[] = [];
  const { runtime } = await composed({
    store: (real) => ({
      ...real,
      claim(request) {
        calls.push('claim');
        return real.claim(request);
      },
    }),
    publisher: (real) => ({
      ...real,
      async deadLetter(...letter) {
        calls.push('deadLetter');
        await real.deadLetter(...letter);
      },
    }),
  });
  const receiver = { runtime, steps: registerSteps([]), namespace: NAMESPACE };
  const message = { id: '1', data: Buffer.from('{}'), attributes: {} };
  expect(await handleMessage(receiver, { message, redelivery: false })).toMatchObject({
    status: 204,
    outcomeKind: 'invalid',
  });
  const { token, requestHash, ...rest } = task();
  await runtime.store.claim({
    facts: {
      ...rest,
      token,
      requestHash,
      namespace: NAMESPACE,
      effect: 'pure',
      retention: { name: 'api', ttlMs: 1, capMs: 1, forgetMs: 1_000_000 },
    },
    claimId: runtime.newClaimId(),
    leaseMs: 1_000,
    holder: 'call:1',
  });
  expect(calls).toEqual(['deadLetter', 'claim']);
});
