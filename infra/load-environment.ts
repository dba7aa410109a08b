import { existsSync, readdirSync } from 'node:fs';
import { EnvironmentError, parseEnvironment } from './environment.ts';
import type { Environment } from './environment.ts';

const FOLDER = `${import.meta.dirname}/environments`;

export interface Overridden {
  /** Instead of the project that the file names. */
  readonly project?: string | undefined;
}

/** @throws {EnvironmentError} if there is none of this name, or its settings are wrong */
export async function loadEnvironment(
  name: string,
  { project }: Overridden = {},
): Promise<Environment> {
  const file = `${FOLDER}/${name}.ts`;
  if (!/^[a-z][a-z0-9-]*$/.test(name) || !existsSync(file)) {
    const known = readdirSync(FOLDER).map((each) => each.replace(/\.ts$/, ''));
    throw new EnvironmentError(
      `There is no environment "${name}". There are: ${known.join(', ')} (infra/environments).`,
    );
  }
  const { environment } = (await import(file)) as { environment: object };
  return parseEnvironment({
    ...environment,
    ...(project !== undefined && project !== '' && { project }),
  });
}
