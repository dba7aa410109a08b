import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CommandFailed, run } from './run-command.ts';

const CLI = fileURLToPath(new URL('../../functions/src/cli/main.ts', import.meta.url));

export interface SmokeTask {
  readonly action: string;
  readonly params: unknown;
}

export interface Smoked {
  readonly token: string;
  readonly attempts: number;
}

interface Shown {
  readonly status: string;
  readonly attempt: number;
}

/** How long the second message is given to be delivered. */
const DELIVERED_WITHIN_MS = 5_000;

/**
 * Publishes one task twice under one key of its own, and looks what became of both.
 *
 * @param environment what the command line finds the deployment by
 * @throws {CommandFailed} if it was not completed, or ran more than once
 */
export async function smokeTest(
  { action, params }: SmokeTask,
  environment: Readonly<Record<string, string>>,
): Promise<Smoked> {
  const key = `smoke-${randomUUID()}`;
  const agentOnce = async (...args: readonly string[]): Promise<unknown> => {
    const all = ['--disable-warning=ExperimentalWarning', CLI, ...args, '--json'];
    const { status, stdout, stderr } = await run(process.execPath, all, { env: environment });
    if (status === 0) return JSON.parse(stdout) as unknown;
    throw new CommandFailed(`${action} was not seen to run once. ${(stderr + stdout).trim()}`);
  };
  const publish = ['publish', action, JSON.stringify(params), '--key', key];
  const { token } = (await agentOnce(...publish, '--wait', '--timeout', '5m')) as { token: string };
  await agentOnce(...publish);
  await delay(DELIVERED_WITHIN_MS);
  const { status, attempt } = (await agentOnce('show', token)) as Shown;
  if (status !== 'completed' || attempt !== 1) {
    throw new CommandFailed(
      `${action} was published twice and is ${status} after ${attempt} attempts. ` +
        `Look at it: agent-once show ${token}`,
    );
  }
  return { token, attempts: attempt };
}
