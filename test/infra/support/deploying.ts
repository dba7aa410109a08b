import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach } from 'vitest';
import { requiredApis } from '../../../infra/required-apis.ts';
import { fakePrograms } from './fake-programs.ts';
import type { FakeAnswer, FakePrograms } from './fake-programs.ts';
import { environmentOf } from './synthesised-environment.ts';

const DEPLOY = fileURLToPath(new URL('../../../scripts/deploy.ts', import.meta.url));
export const PROJECT = 'shop-test-1';

export const TERRAFORM: readonly FakeAnswer[] = [
  { to: 'version -json', says: '{"terraform_version": "1.11.4"}' },
  { to: 'output -json', says: '{"url-api":{"value":"https://api.example.com"}}' },
  { to: ' plan ', status: 2 },
];
export const GCLOUD: readonly FakeAnswer[] = [
  { to: 'print-access-token', says: 'secret-access-token' },
  { to: 'billing projects', says: 'True' },
  { to: 'projects describe', says: 'ACTIVE' },
  { to: 'services list', says: requiredApis(environmentOf('dev')).join('\n') },
  { to: 'secrets versions list', says: '' },
];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'agent-once-deploy-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Programs that stand in for others, for the test that is running. */
export const fakes = (programs: Parameters<typeof fakePrograms>[1]): FakePrograms =>
  fakePrograms(folder, programs);

/** Runs the script where only these programs are, with what somebody types into it. */
export function deploying(programs: FakePrograms, args: readonly string[], typed = '') {
  const made = join(folder, PACKAGE);
  writeFileSync(made, '');
  const ended = spawnSync(process.execPath, [DEPLOY, ...args, '--package', made], {
    env: { PATH: programs.path, CDKTF_OUTDIR: join(folder, 'out'), HOME: folder },
    input: typed,
    encoding: 'utf8',
  });
  return { status: ended.status, said: `${ended.stdout}${ended.stderr}` };
}

const PACKAGE = `functions-${'0'.repeat(32)}.zip`;
/** Where it is deployed to. */
export const to = ['--env', 'dev', '--project', PROJECT];
/** The same answers, but for one. */
export const without = (
  answers: readonly FakeAnswer[],
  pattern: string,
  ...instead: FakeAnswer[]
) => [...instead, ...answers.filter((each) => each.to !== pattern)];
