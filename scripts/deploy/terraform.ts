import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { STACK_ORDER } from '../../infra/synthesise.ts';
import { CommandFailed, mustRun, run } from './run-command.ts';

const PLAN_FILE = 'deploy.tfplan';

export interface Stack {
  readonly name: string;
  readonly folder: string;
}

/** The stacks that were synthesised, in the order in which they are applied. */
export function stacksIn(outdir: string): readonly Stack[] {
  return STACK_ORDER.map((name) => ({ name, folder: join(outdir, 'stacks', name) }));
}

/** The provider is large: every stack takes it from one folder. */
export async function init({ folder }: Stack): Promise<void> {
  const plugins = join(folder, '..', '..', 'plugins');
  mkdirSync(plugins, { recursive: true });
  const args = [`-chdir=${folder}`, 'init', '-input=false', '-reconfigure'];
  await mustRun('terraform', args, { env: { TF_PLUGIN_CACHE_DIR: plugins } });
  await mustRun('terraform', [`-chdir=${folder}`, 'validate']);
}

/** Shows what would change. `false`: nothing would. */
export async function plan({ folder }: Stack, destroy = false): Promise<boolean> {
  const args = ['plan', '-input=false', '-detailed-exitcode', `-out=${PLAN_FILE}`];
  const all = [`-chdir=${folder}`, ...args, ...(destroy ? ['-destroy'] : [])];
  const { status } = await run('terraform', all, { shown: true });
  if (status === 0 || status === 2) return status === 2;
  throw new CommandFailed(`terraform ${all.join(' ')} failed.`);
}

/** Does what was planned last. */
export async function apply({ folder }: Stack): Promise<void> {
  await mustRun('terraform', [`-chdir=${folder}`, 'apply', '-input=false', PLAN_FILE], {
    shown: true,
  });
}

export async function outputs({ folder }: Stack): Promise<Readonly<Record<string, string>>> {
  const json = await mustRun('terraform', [`-chdir=${folder}`, 'output', '-json']);
  const found = JSON.parse(json) as Record<string, { value: unknown }>;
  return Object.fromEntries(
    Object.entries(found).map(([name, { value }]) => [name, String(value)]),
  );
}
