import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PubSub } from '@google-cloud/pubsub';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { functionVariables } from '../../infra/function-variables.ts';
import { FUNCTION_NAMES, TOPICS } from '../../infra/resource-names.ts';
import type { FunctionName } from '../../infra/resource-names.ts';
import { startBoundProcess } from '../../scripts/emulators/bound-process.ts';
import { claimPort, LOOPBACK } from '../../scripts/emulators/ports.ts';
import { packageFunctions } from '../../scripts/package/package-functions.ts';
import { environmentOf } from './support/synthesised-environment.ts';
import { unzipTo } from './support/unzip.ts';

const ENVIRONMENT = environmentOf('dev');
const PROJECT = 'demo-packaged';
const DEVELOPER = 'development-token';
const ONLY_LOOPBACK = new URL('../../scripts/dev/loopback.ts', import.meta.url).href;
const FRAMEWORK = 'node_modules/@google-cloud/functions-framework/build/src/main.js';
/** From the registry, or from npm's cache. */
const INSTALL_MS = 300_000;

/** The folder that a deployment unzips to: empty before, and with what its lock names. */
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'agent-once-deployed-'));
  const source = packageFunctions(join(folder, 'source'));
  unzipTo(join(folder, 'app'), readFileSync(join(folder, 'source', source.objectName)));
  const install = spawnSync('npm', ['ci', '--omit=dev', '--no-audit', '--no-fund'], {
    cwd: join(folder, 'app'),
    encoding: 'utf8',
  });
  if (install.status !== 0) throw new Error(`npm ci failed:\n${install.stderr}`);
  const pubsub = new PubSub({
    projectId: PROJECT,
    apiEndpoint: inject('pubsubHost'),
    emulatorMode: true,
  });
  for (const topic of [TOPICS.tasks, TOPICS.deadLetters, TOPICS.archiveShards]) {
    await pubsub.createTopic(topic);
  }
  await pubsub.close();
}, INSTALL_MS);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** As it is deployed, but for what only Google Cloud has: stores are emulators, callers are not verified. */
function variablesOf(name: FunctionName): Record<string, string> {
  const { AGENT_ONCE_API_AUDIENCE: _, ...deployed } = functionVariables(name, ENVIRONMENT, '1');
  return {
    ...deployed,
    GOOGLE_CLOUD_PROJECT: PROJECT,
    AGENT_ONCE_DATABASE: '(default)',
    FIRESTORE_EMULATOR_HOST: inject('firestoreHost'),
    PUBSUB_EMULATOR_HOST: inject('pubsubHost'),
    METADATA_SERVER_DETECTION: 'none',
    ...(name === 'api' && { AGENT_ONCE_API_DEVELOPMENT_TOKEN: DEVELOPER }),
  };
}

async function serving<T>(name: FunctionName, use: (url: string) => Promise<T>): Promise<T> {
  const port = await claimPort('packaged function', undefined);
  const host = `${LOOPBACK}:${port}`;
  const app = join(folder, 'app');
  const served = await startBoundProcess({
    title: name,
    command: process.execPath,
    args: [
      '--disable-warning=ExperimentalWarning',
      `--import=${ONLY_LOOPBACK}`,
      join(app, FRAMEWORK),
      `--source=${app}`,
      `--target=${name}`,
      `--port=${port}`,
    ],
    env: variablesOf(name),
    host,
  });
  try {
    return await use(`http://${host}`);
  } finally {
    await served.stop();
  }
}

const post = (url: string, body: object, headers: Record<string, string> = {}) =>
  fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

const pushed = (messageId: string, data: object) => ({
  message: { messageId, data: Buffer.from(JSON.stringify(data)).toString('base64') },
  subscription: 'projects/p/subscriptions/s',
});

/** One real request, and what comes of it. */
const REQUESTS: Readonly<Record<FunctionName, (url: string) => Promise<void>>> = {
  async 'run-task'(url) {
    const task = {
      schema: 'agent-once/task@1',
      action: 'planner.turn',
      key: 'packaged-1',
      params: { goal: 'a trip' },
    };
    const outcomes: (string | null)[] = [];
    for (const messageId of ['1', '2']) {
      const answer = await post(url, pushed(messageId, task));
      expect(answer.status).toBe(204);
      outcomes.push(answer.headers.get('agent-once-outcome'));
    }
    expect(outcomes).toEqual(['completed', 'replayed']);
  },
  async sweep(url) {
    const answer = await post(url, {});
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ failed: 0 });
  },
  async api(url) {
    const headers = { Authorization: `Bearer ${DEVELOPER}`, 'Idempotency-Key': 'packaged-2' };
    const claimed = await post(`${url}/v1/begin`, {}, headers);
    expect(claimed.status).toBe(201);
    const again = await post(`${url}/v1/begin`, {}, headers);
    expect(again.status).toBe(409);
  },
  async 'archive-tick'(url) {
    const answer = await post(url, {});
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ shards: ENVIRONMENT.shards });
  },
  async 'archive-shard'(url) {
    const order = { schema: 'agent-once/archive-shard@1', shard: 0, until: 1 };
    const answer = await post(url, pushed('3', order));
    expect(answer.status).toBe(204);
  },
};

describe('the package, unzipped into an empty folder with its production dependencies', () => {
  it.each(FUNCTION_NAMES)('serves %s', async (name) => {
    expect.hasAssertions();
    await serving(name, REQUESTS[name]);
  });
});
