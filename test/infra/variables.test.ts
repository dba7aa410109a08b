import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../functions/src/config.ts';
import { variablesAgree } from '../../infra/policy/agreement.ts';
import { at, ofType } from '../../infra/policy/synthesised.ts';
import type { Resource } from '../../infra/policy/synthesised.ts';
import { resourcesOf } from './support/synthesised-environment.ts';

const CONFIG = fileURLToPath(new URL('../../functions/src/config', import.meta.url));

/** Every name that looks like a variable in the files that read them all. */
function namesInConfig(): Set<string> {
  const parts = readdirSync(CONFIG).map((part) => join(CONFIG, part));
  const source = [`${CONFIG}.ts`, ...parts].map((file) => readFileSync(file, 'utf8')).join('\n');
  return new Set(
    source.match(/\b(?:AGENT_ONCE_[A-Z_]+|[A-Z]+(?:_[A-Z]+)*_(?:PROJECT|SECONDS|HOST))\b/g),
  );
}

/** Set only where no cloud is: each would weaken a deployment, or is set by the platform. */
const NEVER_DEPLOYED = [
  'AGENT_ONCE_STORE',
  'AGENT_ONCE_API_DEVELOPMENT_TOKEN',
  'PUBSUB_EMULATOR_HOST',
  'FIRESTORE_EMULATOR_HOST',
];

function readByFunctions(): Set<string> {
  const names = namesInConfig();
  for (const name of NEVER_DEPLOYED) {
    if (!names.delete(name)) throw new Error(`The config no longer reads ${name}.`);
  }
  return names;
}

const everything = resourcesOf('everything');
const HANDLE_KEY = 'k'.repeat(64);

/** What a function finds in its environment. */
function environmentOf({ attributes }: Resource): Record<string, string> {
  const secrets = at(attributes, 'service_config', 'secret_environment_variables') as {
    key: string;
  }[];
  return {
    ...(at(attributes, 'service_config', 'environment_variables') as Record<string, string>),
    ...Object.fromEntries((secrets ?? []).map(({ key }) => [key, HANDLE_KEY])),
    K_SERVICE: 'agent-once',
  };
}

const configOf = (name: string) => {
  const found = ofType(everything, 'google_cloudfunctions2_function').find(
    ({ key }) => key === `function-${name}`,
  );
  if (!found) throw new Error(`There is no function ${name}.`);
  return parseConfig(environmentOf(found));
};

describe('the variables of the functions', () => {
  it('are exactly those that config.ts reads', () => {
    expect(variablesAgree(readByFunctions())(everything)).toEqual([]);
  });

  it('are refused where one is missing, or nothing reads it', () => {
    const read = readByFunctions();
    expect(variablesAgree(new Set([...read, 'AGENT_ONCE_NEW']))(everything)).toEqual([
      'AGENT_ONCE_NEW is read, and no function is given it.',
    ]);
    read.delete('AGENT_ONCE_SHARDS');
    expect(variablesAgree(read)(everything).join('\n')).toContain(
      'is given AGENT_ONCE_SHARDS, which nothing reads',
    );
  });

  it.each(['run-task', 'sweep', 'api', 'archive-tick', 'archive-shard'])(
    'make a configuration for %s that starts on Cloud Run, with callers verified',
    (name) => {
      const config = configOf(name);
      expect(config.push).toMatchObject({
        verify: 'oidc',
        audience: expect.stringContaining(`https://agent-once-${name}-`),
        serviceAccount: `agent-once-call-${name}@your-project-prod.iam.gserviceaccount.com`,
        verifiedByIam: true,
      });
      expect(config.backend).toMatchObject({
        kind: 'cloud',
        database: 'agent-once',
        blobBucket: 'your-project-prod-agent-once-blobs',
        archiveBucket: 'your-project-prod-agent-once-archive',
      });
      expect(config.shards).toBe(64);
      expect(config.httpRequest?.origins).toEqual(['https://agents.example.com']);
    },
  );

  it('give the HTTP service its callers, and to no other function', () => {
    const { api } = configOf('api');
    expect(api?.grants.map(({ principal }) => principal)).toEqual([
      'planner@your-project-prod.iam.gserviceaccount.com',
      'on-call@your-project-prod.iam.gserviceaccount.com',
    ]);
    expect(api?.caller).toMatchObject({ verify: 'oidc', verifiedByIam: true });
    expect(configOf('run-task').api).toBeUndefined();
  });

  it('give those who write state, and the sweep, the topic of its history', () => {
    const topicOf = (name: string) =>
      (configOf(name).backend as { stateHistoryTopic?: string }).stateHistoryTopic;
    for (const name of ['run-task', 'sweep', 'api']) {
      expect(topicOf(name)).toBe('agent-once-state-history');
    }
    expect(topicOf('archive-shard')).toBeUndefined();
    const publishers = ofType(everything, 'google_pubsub_topic_iam_member').flatMap(
      ({ attributes: { topic, member } }) =>
        topic === '${google_pubsub_topic.topic-stateHistory.name}' ? [String(member)] : [],
    );
    expect(publishers.map((member) => String(member.split('@')[0])).toSorted()).toEqual([
      'serviceAccount:agent-once-api',
      'serviceAccount:agent-once-sweep',
    ]);
  });

  it('give the archiver its topic, and to no other function', () => {
    expect(configOf('archive-shard').archive?.topic).toBe('agent-once-archive-shards');
    expect(configOf('run-task').archive).toBeUndefined();
  });
});
