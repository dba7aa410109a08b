import { parseArgs } from 'node:util';

export const COMMANDS = ['synth', 'plan', 'deploy', 'destroy'] as const;
export type DeployCommand = (typeof COMMANDS)[number];

export interface DeployArguments {
  readonly command: DeployCommand;
  readonly environment: string;
  /** Instead of the project that the environment names. */
  readonly project?: string;
  /** A package that was made before, by `npm run synth`, instead of one of the sources as they are. */
  readonly package?: string;
  /** Nobody is asked. */
  readonly yes: boolean;
  /** Nothing is published after the deployment. */
  readonly withoutSmokeTest: boolean;
}

/** What was typed can't be understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const USAGE = `npm run deploy|plan|destroy|synth -- --env NAME [--project ID] [--package ZIP] [--yes] [--no-smoke]`;

/** @throws {UsageError} */
export function parseArguments(argv: readonly string[]): DeployArguments {
  const { values, positionals } = parsed(argv);
  const [command = '', ...others] = positionals;
  if (!isCommand(command) || others.length > 0) throw new UsageError(USAGE);
  const { env, project, yes = false, 'no-smoke': withoutSmokeTest = false } = values;
  if (env === undefined && command !== 'synth') {
    throw new UsageError(`Say which environment: ${USAGE}`);
  }
  return {
    command,
    environment: env ?? 'dev',
    ...(project !== undefined && { project }),
    ...(values.package !== undefined && { package: values.package }),
    yes,
    withoutSmokeTest,
  };
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        env: { type: 'string' },
        project: { type: 'string' },
        package: { type: 'string' },
        yes: { type: 'boolean' },
        'no-smoke': { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${USAGE}`);
  }
}

const isCommand = (text: string): text is DeployCommand =>
  (COMMANDS as readonly string[]).includes(text);
