/*
 * npm run synth|plan|deploy|destroy -- --env NAME: the whole system on Google Cloud, by one command.
 *
 * `deploy` looks whether it can, makes what Terraform itself needs, plans every stack, asks once, applies,
 * and publishes a task twice to see it run once. Run again it changes nothing.
 */
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { EnvironmentError } from '../infra/environment.ts';
import type { Environment } from '../infra/environment.ts';
import { loadEnvironment } from '../infra/load-environment.ts';
import { POLICIES } from '../infra/policy/policies.ts';
import { readSynthesised } from '../infra/policy/synthesised.ts';
import { synthesise } from '../infra/synthesise.ts';
import { parseArguments, UsageError } from './deploy/arguments.ts';
import type { DeployArguments } from './deploy/arguments.ts';
import { bootstrap, fillSecrets, hasState } from './deploy/bootstrap.ts';
import { preflight } from './deploy/preflight.ts';
import { CommandFailed } from './deploy/run-command.ts';
import { smokeTest } from './deploy/smoke-test.ts';
import { apply, init, outputs, plan, stacksIn } from './deploy/terraform.ts';
import type { Stack } from './deploy/terraform.ts';
import { smokeEnvironment, whatNext } from './deploy/what-next.ts';
import { CompileError } from './package/compile.ts';
import { givenPackage, packageFunctions } from './package/package-functions.ts';

const OUTDIR =
  process.env['CDKTF_OUTDIR'] ?? fileURLToPath(new URL('../infra/cdktf.out', import.meta.url));

/** Nothing more is to be done, and it is not a fault of the program. */
class Refused extends Error {
  override readonly name = 'Refused';
}

const say = (line: string): void => console.log(line);

async function main(given: DeployArguments): Promise<void> {
  const environment = await loadEnvironment(given.environment, given);
  if (given.command === 'synth') {
    synthesiseStacks(environment, given);
    return;
  }
  if (given.command === 'destroy' && environment.protectData) {
    throw new Refused(
      `${environment.name} protects its data, so it can't be taken down. If that is what you want, set ` +
        `protectData: false in infra/environments/${environment.name}.ts and deploy that first.`,
    );
  }
  await lookFirst(environment);
  if (given.command === 'deploy') await bootstrap(environment);
  else if (!(await hasState(environment))) {
    throw new Refused(
      `Nothing is deployed to ${environment.project}: there is no state to compare with.`,
    );
  }
  const stacks = synthesiseStacks(environment, given);
  switch (given.command) {
    case 'plan':
      await planAll(stacks);
      break;
    case 'deploy':
      await deploy(environment, stacks, given);
      break;
    case 'destroy':
      await destroy(environment, stacks, given);
      break;
  }
}

async function lookFirst(environment: Environment): Promise<void> {
  const checks = await preflight(environment);
  const marks = { ok: 'ok   ', later: 'later', wrong: 'WRONG' };
  for (const { title, state, detail } of checks) say(`${marks[state]}  ${title}: ${detail}`);
  const faults = checks.filter(({ state }) => state === 'wrong').length;
  if (faults > 0)
    throw new Refused(`Nothing was changed: ${faults} of ${checks.length} checks failed.`);
}

function synthesiseStacks(
  environment: Environment,
  { package: file }: DeployArguments,
): readonly Stack[] {
  const folder = `${OUTDIR}/source`;
  const source = file === undefined ? packageFunctions(folder) : givenPackage(file, folder);
  synthesise(environment, source, OUTDIR);
  const resources = readSynthesised(OUTDIR);
  const faults = Object.values(POLICIES).flatMap((policy) => policy(resources));
  if (faults.length > 0) throw new Refused(`Against the policies:\n  ${faults.join('\n  ')}`);
  const stacks = stacksIn(OUTDIR);
  say(
    `${environment.name}: ${resources.length} resources in ${stacks.length} stacks, ${source.objectName}`,
  );
  return stacks;
}

async function planAll(stacks: readonly Stack[], destroying = false): Promise<readonly Stack[]> {
  const changed: Stack[] = [];
  for (const stack of stacks) {
    say(`\n— ${stack.name}`);
    await init(stack);
    if (await plan(stack, destroying)) changed.push(stack);
  }
  const what = changed.map(({ name }) => name).join(', ');
  say(changed.length === 0 ? '\nNothing to change.' : `\nTo change: ${what}.`);
  return changed;
}

async function deploy(
  environment: Environment,
  stacks: readonly Stack[],
  { yes, withoutSmokeTest }: DeployArguments,
): Promise<void> {
  const changed = await planAll(stacks);
  if (changed.length > 0 && !yes) await confirm(`Apply this to ${environment.project}?`, 'yes');
  for (const stack of stacks) {
    if (changed.includes(stack)) {
      say(`\n— ${stack.name}`);
      await apply(stack);
    }
    if (stack.name !== 'foundation') continue;
    for (const secret of await fillSecrets(environment)) say(`A value was made for ${secret}.`);
  }
  const compute = stacks.find(({ name }) => name === 'compute');
  const urls = compute ? await outputs(compute) : {};
  if (!withoutSmokeTest) {
    say(`\nPublishing ${environment.smokeTask.action} twice …`);
    const { token } = await smokeTest(environment.smokeTask, smokeEnvironment(environment));
    say(`It ran once: ${token}`);
  }
  say(whatNext(environment, urls));
}

async function destroy(
  { project }: Environment,
  stacks: readonly Stack[],
  { yes }: DeployArguments,
): Promise<void> {
  const backwards = stacks.toReversed();
  const changed = await planAll(backwards, true);
  if (changed.length > 0 && !yes) {
    await confirm(`All of it is deleted. Type the project's id to go on:`, project);
  }
  for (const stack of changed) await apply(stack);
  say(`Gone. The state's bucket stays; delete it by hand if the project is not used again.`);
}

async function confirm(question: string, expected: string): Promise<void> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await terminal.question(`${question} `);
    if (answer.trim() !== expected) throw new Refused('Nothing was changed.');
  } finally {
    terminal.close();
  }
}

try {
  await main(parseArguments(process.argv.slice(2)));
} catch (error) {
  const kinds = [CommandFailed, CompileError, EnvironmentError, Refused, UsageError];
  if (!kinds.some((kind) => error instanceof kind)) throw error;
  console.error(`\n${(error as Error).message}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
