import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { embeddedStore } from '../../../functions/src/adapters/embedded/store.ts';
import { systemClock } from '../../../functions/src/adapters/system/clock.ts';
import { connect } from '../../../functions/src/cli/connect.ts';
import { invocationOf, targetEnvironment } from '../../../functions/src/cli/target.ts';
import type { TargetOptions } from '../../../functions/src/cli/target.ts';
import type { Environment } from '../../../functions/src/config/settings.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';
import { cli } from './deployment.ts';

const TOKEN = `k1_${'A'.repeat(43)}`;
const DEV = {
  AGENT_ONCE_STORE: 'firestore',
  AGENT_ONCE_NAMESPACE: 'dev',
  GOOGLE_CLOUD_PROJECT: 'demo-agent-once',
  FIRESTORE_EMULATOR_HOST: '127.0.0.1:8080',
};

let project: string;
let below: string;
let elsewhere: string;

beforeAll(async () => {
  project = await scratchFolder();
  elsewhere = await scratchFolder();
  below = join(project, 'a', 'b');
  await mkdir(below, { recursive: true });
  await mkdir(join(project, '.agent-once'));
  const dev = JSON.stringify({ project: 'demo-agent-once', environment: DEV });
  await writeFile(join(project, '.agent-once', 'dev.json'), dev);
});

afterAll(async () => {
  await rm(project, { recursive: true });
  await rm(elsewhere, { recursive: true });
});

test('where nothing else is said, a running npm run dev counts, also from a folder below', () => {
  expect(targetEnvironment({}, {}, below)).toEqual(DEV);
  expect(targetEnvironment({ namespace: 'other' }, {}, below)).toEqual({
    ...DEV,
    AGENT_ONCE_NAMESPACE: 'other',
  });
});

const ELSEWHERE: readonly (readonly [TargetOptions, Environment])[] = [
  [{ project: 'prod' }, {}],
  [{ store: 'embedded:x' }, {}],
  [{}, { AGENT_ONCE_STORE: 'firestore', GOOGLE_CLOUD_PROJECT: 'prod' }],
  [{}, { AGENT_ONCE_NAMESPACE: 'shop', GOOGLE_CLOUD_PROJECT: 'prod' }],
];

test.for(ELSEWHERE)(
  'a store named by %o, %o never meets an emulator’s address',
  ([options, env]) => {
    const environment = targetEnvironment(options, env, below);
    expect(environment).not.toHaveProperty('FIRESTORE_EMULATOR_HOST');
  },
);

test('an option goes before the environment', () => {
  const environment = targetEnvironment(
    { store: 'embedded:mine', namespace: 'mine' },
    { AGENT_ONCE_STORE: 'firestore', AGENT_ONCE_NAMESPACE: 'theirs' },
    elsewhere,
  );
  expect(environment).toMatchObject({
    AGENT_ONCE_STORE: 'embedded:mine',
    AGENT_ONCE_NAMESPACE: 'mine',
  });
});

test('options are told as a shell takes them', () => {
  expect(invocationOf({})).toBe('agent-once');
  expect(invocationOf({ store: "embedded:it's here", json: true })).toBe(
    String.raw`agent-once --store 'embedded:it'\''s here'`,
  );
});

test('without any word on where, the command ends with 2 and says how to give one', async () => {
  const { code, err } = await cli(connect, ['show', TOKEN], { folder: elsewhere });
  expect(code).toBe(2);
  expect(err).toContain('--store embedded:FILE');
});

test('every setting that is wrong or missing is named at once', async () => {
  const { code, err } = await cli(connect, ['--store', 'firestore', 'show', TOKEN], {
    folder: elsewhere,
    env: { AGENT_ONCE_NAMESPACE: 'Shop' },
  });
  expect(code).toBe(2);
  expect(err).toContain('GOOGLE_CLOUD_PROJECT is missing');
  expect(err).toContain('AGENT_ONCE_NAMESPACE is "Shop"');
  expect(err).not.toContain('PUSH');
});

test('a mistyped path ends with 5 and makes no store there', async () => {
  const args = ['--store', `embedded:${elsewhere}/typo.sqlite`, 'show', TOKEN];
  expect((await cli(connect, args)).code).toBe(5);
  expect((await cli(connect, args)).code).toBe(5);
});

test('an embedded store is reached by its path', async () => {
  const file = join(elsewhere, 'store.sqlite');
  await embeddedStore(file, systemClock).close();
  const args = ['--store', `embedded:${file}`, '--json', 'publish', 'a.b', '{}', '--key', 'k'];
  const published = await cli(connect, args);
  expect(published.code).toBe(0);
  const { token } = JSON.parse(published.out) as { token: string };
  expect((await cli(connect, ['--store', `embedded:${file}`, 'show', token])).code).toBe(3);
});

test('a dev.json that is not one is named', async () => {
  const broken = join(elsewhere, '.agent-once', 'dev.json');
  await mkdir(join(elsewhere, '.agent-once'));
  await writeFile(broken, '{"environment":');
  const { code, err } = await cli(connect, ['show', TOKEN], { folder: elsewhere });
  expect(code).toBe(2);
  expect(err).toContain(broken);
  await rm(join(elsewhere, '.agent-once'), { recursive: true });
});
