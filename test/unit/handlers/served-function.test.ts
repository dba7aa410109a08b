import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { messageOf, pushBody } from './receiver.ts';

const ROOT = join(import.meta.dirname, '../../..');
const FRAMEWORK = join(ROOT, 'node_modules/@google-cloud/functions-framework/build/src/main.js');
const PATIENCE_MS = 30_000;

let folder: string;
let served: ChildProcess | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'agent-once-'));
});

afterEach(async () => {
  if (served && served.exitCode === null && served.signalCode === null) {
    served.kill('SIGKILL');
    await once(served, 'exit');
  }
  await rm(folder, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');
  return port;
}

function serve(source: string, port: number, env: Record<string, string>): ChildProcess {
  const args = [FRAMEWORK, '--target=run-task', `--source=${join(ROOT, source)}`, `--port=${port}`];
  const { PATH = '' } = process.env;
  served = spawn(process.execPath, args, {
    env: { PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return served;
}

const EMBEDDED = { AGENT_ONCE_NAMESPACE: 'shop', PUBSUB_EMULATOR_HOST: '127.0.0.1:1' };

it(
  'a promise that a step leaves behind is logged when it is rejected, and the instance serves on',
  async () => {
    const port = await freePort();
    const AGENT_ONCE_STORE = `embedded:${folder}/store.sqlite`;
    const source = 'test/unit/handlers/stray-function.ts';
    const { stdout } = serve(source, port, { ...EMBEDDED, AGENT_ONCE_STORE });
    if (!stdout) throw new Error('The process has no output to read.');
    const url = `http://127.0.0.1:${port}/`;

    const answers: number[] = [];
    const push = async (key: string): Promise<void> => {
      const body = JSON.stringify(
        pushBody(messageOf({ schema: 'agent-once/task@1', action: 'a.b', key })),
      );
      const headers = { 'content-type': 'application/json' };
      answers.push((await fetch(url, { method: 'POST', body, headers })).status);
    };
    for await (const line of createInterface({ input: stdout })) {
      if (line.startsWith('URL: ')) await push('first');
      if (line.includes('left behind')) {
        await push('second');
        break;
      }
    }
    expect(answers).toEqual([204, 204]);
    expect(served?.exitCode).toBeNull();
  },
  PATIENCE_MS,
);

it(
  'wrong settings stop the function at start, with code 1 and one message that names each of them',
  async () => {
    const { stdout, stderr } = serve('functions/src/main.ts', await freePort(), {
      AGENT_ONCE_NAMESPACE: 'My Shop',
    });
    if (!stdout || !stderr || !served) throw new Error('The process has no output to read.');
    const [message, printed, [code]] = await Promise.all([
      text(stderr),
      text(stdout),
      once(served, 'exit'),
    ]);
    expect(code).toBe(1);
    expect(printed).toBe('');
    const [headline, ...faults] = message.trimEnd().split('\n');
    expect(headline).toMatch(/^agent-once did not start\. 9 settings are wrong or missing:$/);
    expect(faults.map((fault) => fault.trim().split(' ')[0])).toEqual([
      'AGENT_ONCE_NAMESPACE',
      'GOOGLE_CLOUD_PROJECT',
      'AGENT_ONCE_TASK_TOPIC',
      'AGENT_ONCE_DEAD_LETTER_TOPIC',
      'AGENT_ONCE_BLOB_BUCKET',
      'FUNCTION_TIMEOUT_SECONDS',
      'AGENT_ONCE_ACK_DEADLINE_SECONDS',
      'AGENT_ONCE_PUSH_AUDIENCE',
      'AGENT_ONCE_PUSH_SERVICE_ACCOUNT',
    ]);
  },
  PATIENCE_MS,
);
