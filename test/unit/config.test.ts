import { describe, expect, it } from 'vitest';
import { ConfigError, parseConfig } from '../../functions/src/config.ts';
import type { Budget } from '../../functions/src/config.ts';
import type { Environment } from '../../functions/src/config/settings.ts';

const CLOUD = {
  AGENT_ONCE_NAMESPACE: 'shop',
  GOOGLE_CLOUD_PROJECT: 'shop-1',
  AGENT_ONCE_TASK_TOPIC: 'tasks',
  AGENT_ONCE_DEAD_LETTER_TOPIC: 'tasks-dead-letter',
  AGENT_ONCE_BLOB_BUCKET: 'shop-1-payloads',
  FUNCTION_TIMEOUT_SECONDS: '540',
  AGENT_ONCE_ACK_DEADLINE_SECONDS: '600',
  AGENT_ONCE_PUSH_AUDIENCE: 'https://run-task-abc.a.run.app/',
  AGENT_ONCE_PUSH_SERVICE_ACCOUNT: 'pusher@shop-1.iam.gserviceaccount.com',
};

const EMBEDDED = {
  AGENT_ONCE_NAMESPACE: 'shop',
  AGENT_ONCE_STORE: 'embedded:.agent-once/store.sqlite',
  PUBSUB_EMULATOR_HOST: '127.0.0.1:8085',
};

function faultsOf(environment: Environment, steps: readonly Budget[] = []): readonly string[] {
  try {
    parseConfig(environment, steps);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

const namesOf = (faults: readonly string[]) => faults.map((fault) => fault.split(' ')[0]);

describe('a deployment on Google Cloud', () => {
  it('is read from its variables, with defaults where there may be some', () => {
    expect(parseConfig(CLOUD)).toEqual({
      namespace: 'shop',
      backend: {
        kind: 'cloud',
        project: 'shop-1',
        database: '(default)',
        taskTopic: 'tasks',
        deadLetterTopic: 'tasks-dead-letter',
        blobBucket: 'shop-1-payloads',
      },
      push: {
        verify: 'oidc',
        audience: 'https://run-task-abc.a.run.app/',
        serviceAccount: 'pusher@shop-1.iam.gserviceaccount.com',
      },
      shards: 16,
    });
  });

  it('has everything that is missing named in one message', () => {
    const parse = () => parseConfig({});
    expect(parse).toThrow(/^agent-once did not start\. 9 settings are wrong or missing:\n {2}/);
    expect(namesOf(faultsOf({}))).toEqual(Object.keys(CLOUD));
    expect(faultsOf({})).toContain(
      "GOOGLE_CLOUD_PROJECT is missing. It should be the project's id.",
    );
  });

  it('takes an empty variable for a missing one', () => {
    const empty = Object.fromEntries(Object.keys(CLOUD).map((name) => [name, '']));
    expect(faultsOf(empty)).toEqual(faultsOf({}));
  });

  it.each<[string, string]>([
    ['AGENT_ONCE_NAMESPACE', 'My Shop'],
    ['AGENT_ONCE_STORE', 'postgres'],
    ['AGENT_ONCE_STORE', 'embedded:'],
    ['AGENT_ONCE_SHARDS', '0'],
    ['AGENT_ONCE_SHARDS', '1.5'],
    ['GOOGLE_CLOUD_PROJECT', 'shop 1'],
    ['AGENT_ONCE_DATABASE', 'X'],
    ['AGENT_ONCE_TASK_TOPIC', 'ab'],
    ['AGENT_ONCE_DEAD_LETTER_TOPIC', 'tasks'],
    ['AGENT_ONCE_BLOB_BUCKET', 'gs://bucket'],
    ['FUNCTION_TIMEOUT_SECONDS', '9m'],
    ['FUNCTION_TIMEOUT_SECONDS', '600'],
    ['AGENT_ONCE_ACK_DEADLINE_SECONDS', '601'],
    ['AGENT_ONCE_PUSH_AUDIENCE', 'two words'],
    ['AGENT_ONCE_PUSH_SERVICE_ACCOUNT', 'pusher'],
    ['AGENT_ONCE_HTTP_ORIGINS', 'https://a.example,https://b.example/path'],
  ])('has %s named where it is %j, and what it should be', (name, value) => {
    const faults = faultsOf({ AGENT_ONCE_HTTP_EFFECT: 'once', ...CLOUD, [name]: value });
    expect(faults).toEqual([expect.stringMatching(/^\S+ is ".*"\. It should be .*\.$/)]);
    expect(faults[0]).toContain(`${name} is ${JSON.stringify(value)}.`);
  });

  it('does not repeat a value of any length', () => {
    const [fault = ''] = faultsOf({ ...CLOUD, AGENT_ONCE_NAMESPACE: 'x'.repeat(10_000) });
    expect(fault.length).toBeLessThan(300);
  });

  it('can not be changed once it is read', () => {
    const config = parseConfig(CLOUD);
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.backend)).toBe(true);
    expect(Object.isFrozen(config.push)).toBe(true);
  });
});

describe('timeouts', () => {
  it('of every step have to be below that of the function', () => {
    const steps = [
      { action: 'a.fast', timeoutMs: 539_999 },
      { action: 'a.slow', timeoutMs: 540_000 },
      { action: 'a.slower', timeoutMs: 900_000 },
    ];
    expect(faultsOf(CLOUD, steps)).toEqual([
      expect.stringMatching(/^Step a\.slow has timeoutMs 540000\. .*540000 ms/),
      expect.stringMatching(/^Step a\.slower has timeoutMs 900000\. /),
    ]);
  });

  it('of the function have to be below the acknowledgement deadline', () => {
    const env = { ...CLOUD, AGENT_ONCE_ACK_DEADLINE_SECONDS: '540' };
    expect(faultsOf(env)).toEqual([
      expect.stringMatching(
        /^FUNCTION_TIMEOUT_SECONDS is "540"\. It should be below AGENT_ONCE_ACK/,
      ),
    ]);
  });

  it('hold for the built-in step as well', () => {
    const env = {
      ...CLOUD,
      FUNCTION_TIMEOUT_SECONDS: '30',
      AGENT_ONCE_HTTP_ORIGINS: 'https://a.example',
      AGENT_ONCE_HTTP_EFFECT: 'pure',
    };
    expect(faultsOf(env)).toEqual([expect.stringMatching(/^Step http\.request has timeoutMs/)]);
  });
});

describe('push requests', () => {
  it('go unverified where an emulator sends them, and only there', () => {
    const { AGENT_ONCE_PUSH_AUDIENCE: _a, AGENT_ONCE_PUSH_SERVICE_ACCOUNT: _s, ...rest } = CLOUD;
    expect(namesOf(faultsOf(rest))).toEqual([
      'AGENT_ONCE_PUSH_AUDIENCE',
      'AGENT_ONCE_PUSH_SERVICE_ACCOUNT',
    ]);
    const onEmulator = { ...rest, PUBSUB_EMULATOR_HOST: '127.0.0.1:8085' };
    expect(parseConfig(onEmulator).push).toEqual({ verify: 'off' });
  });

  it('can not be left unverified on Cloud Run', () => {
    const env = { ...CLOUD, PUBSUB_EMULATOR_HOST: '127.0.0.1:8085', K_SERVICE: 'run-task' };
    expect(namesOf(faultsOf(env))).toEqual(['PUBSUB_EMULATOR_HOST']);
    expect(faultsOf({ ...env, FUNCTIONS_EMULATOR: 'true' })).toEqual([]);
  });
});

describe('a deployment on one machine', () => {
  it('needs a file, a namespace and nothing of Google Cloud', () => {
    expect(parseConfig(EMBEDDED)).toMatchObject({
      namespace: 'shop',
      backend: { kind: 'embedded', file: '.agent-once/store.sqlite' },
    });
  });

  it('may name a project, for its traces', () => {
    const { backend } = parseConfig({ ...EMBEDDED, GOOGLE_CLOUD_PROJECT: 'shop-1' });
    expect(backend).toMatchObject({ project: 'shop-1' });
  });
});

describe('http.request', () => {
  it('is set up by its origins, and what calling them twice would mean', () => {
    const origins = 'https://a.example, http://127.0.0.1:8081';
    const env = { ...EMBEDDED, AGENT_ONCE_HTTP_ORIGINS: origins };
    expect(namesOf(faultsOf(env))).toEqual(['AGENT_ONCE_HTTP_EFFECT']);
    expect(parseConfig({ ...env, AGENT_ONCE_HTTP_EFFECT: 'idempotent' }).httpRequest).toEqual({
      origins: ['https://a.example', 'http://127.0.0.1:8081'],
      effect: 'idempotent',
      timeoutMs: 30_000,
    });
  });
});
