import { execFile } from 'node:child_process';

import { expect, inject, test } from 'vitest';

import { claimPort } from '../../scripts/emulators/ports.ts';
import { environment } from '../support/deployment.ts';
import { frameworkArguments } from '../support/functions-process.ts';

interface Ended {
  readonly code: number | string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the deployed functions until they end, with nothing in their environment but what is given. */
async function serve(env: Readonly<Record<string, string>>): Promise<Ended> {
  const port = await claimPort('functions process', undefined);
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      frameworkArguments('deployed', port),
      { env, timeout: 30_000 },
      (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
}

function good(): Record<string, string> {
  return environment('demo-config', {
    firestore: inject('firestoreHost'),
    pubsub: inject('pubsubHost'),
  });
}

test('every wrong variable is named by one message, and nothing is served', async () => {
  const ended = await serve({
    ...good(),
    AGENT_ONCE_NAMESPACE: 'Not A Namespace',
    AGENT_ONCE_SHARDS: 'many',
    AGENT_ONCE_DEAD_LETTER_TOPIC: '',
    FUNCTION_TIMEOUT_SECONDS: '30',
    AGENT_ONCE_ACK_DEADLINE_SECONDS: '601',
  });

  const [first, ...faults] = ended.stderr.trimEnd().split('\n');
  expect(ended.code).toBe(1);
  expect(ended.stdout).not.toContain('Serving');
  expect(first).toBe('agent-once did not start. 4 settings are wrong or missing:');
  expect(
    faults.map((fault) => /^ {2}(\w+) (is missing|is ".*")\. It should be .+\.$/.exec(fault)?.[1]),
  ).toEqual([
    'AGENT_ONCE_NAMESPACE',
    'AGENT_ONCE_SHARDS',
    'AGENT_ONCE_DEAD_LETTER_TOPIC',
    'AGENT_ONCE_ACK_DEADLINE_SECONDS',
  ]);
});

test('a function timeout below a step’s budget is named with the step', async () => {
  const ended = await serve({ ...good(), FUNCTION_TIMEOUT_SECONDS: '30' });

  expect(ended.code).toBe(1);
  expect(ended.stderr).toMatch(
    /^ {2}Step payments\.charge has timeoutMs 60000\..*FUNCTION_TIMEOUT_SECONDS/m,
  );
});

test('without an emulator, pushes can’t go unverified', async () => {
  const { PUBSUB_EMULATOR_HOST: _, ...cloud } = good();
  const ended = await serve(cloud);

  expect(ended.code).toBe(1);
  expect(ended.stderr).toContain('AGENT_ONCE_PUSH_AUDIENCE is missing.');
  expect(ended.stderr).toContain('AGENT_ONCE_PUSH_SERVICE_ACCOUNT is missing.');
});
