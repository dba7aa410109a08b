import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Environment } from '../config/settings.ts';
import { Failure } from './failure.ts';
import type { ServiceTarget } from './service-operations.ts';

/** The options that say where a command works, and how it prints. */
export interface TargetOptions {
  readonly url?: string;
  readonly store?: string;
  readonly namespace?: string;
  readonly project?: string;
  readonly json?: true;
}

/** What `npm run dev` leaves for other programs; the CLI needs only the environment to reach it. */
const devSchema = z.looseObject({ environment: z.record(z.string(), z.string()) });

export const DEV_FILE = join('.agent-once', 'dev.json');

/**
 * The environment that a deployment is read from. Options and variables that name a store stand alone,
 * so that a production project is never mixed with an emulator's address; only where there are none
 * does a running `npm run dev` count, in this folder or one above.
 */
export function targetEnvironment(
  { store, namespace, project }: TargetOptions,
  env: Environment,
  folder: string,
): Environment {
  const chosen = store ?? project ?? env['AGENT_ONCE_STORE'] ?? env['AGENT_ONCE_NAMESPACE'];
  const dev = chosen === undefined ? devEnvironment(folder) : undefined;
  if (chosen === undefined && dev === undefined && namespace === undefined) throw nowhere();
  return {
    AGENT_ONCE_NAMESPACE: 'default',
    ...env,
    ...dev,
    ...(store !== undefined && { AGENT_ONCE_STORE: store }),
    ...(project !== undefined && { GOOGLE_CLOUD_PROJECT: project }),
    ...(namespace !== undefined && { AGENT_ONCE_NAMESPACE: namespace }),
  };
}

function devEnvironment(folder: string): Environment | undefined {
  const path = join(folder, DEV_FILE);
  const text = textOf(path);
  if (text === undefined) {
    const parent = dirname(folder);
    return parent === folder ? undefined : devEnvironment(parent);
  }
  try {
    return devSchema.parse(JSON.parse(text)).environment;
  } catch (error) {
    throw new Failure('usage', `${path} is not what npm run dev writes.`, {
      advice: 'Delete it, and start npm run dev again.',
      cause: error,
    });
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function nowhere(): Failure {
  return new Failure('usage', 'It is not said which store to look into.', {
    advice:
      'Give --store embedded:FILE, or --store firestore --project ID, or --url for the service, or set ' +
      'AGENT_ONCE_STORE and GOOGLE_CLOUD_PROJECT, or start npm run dev in this folder.',
  });
}

/**
 * The service that is to be asked, where the options or the environment name one. An option goes before
 * the environment.
 *
 * @throws {Failure} where the options name a service and a store
 */
export function serviceTarget(
  { url, store, project, namespace }: TargetOptions,
  env: Environment,
): ServiceTarget | undefined {
  const storeNamed = store !== undefined || project !== undefined;
  if (url !== undefined && storeNamed) {
    throw new Failure('usage', '--url names a service, --store and --project a store: give one.');
  }
  const asked = url ?? (storeNamed ? undefined : env['AGENT_ONCE_URL']);
  if (asked === undefined || asked === '') return undefined;
  if (!URL.canParse(asked) || !/^https?:$/.test(new URL(asked).protocol)) {
    throw new Failure('usage', `"${asked}" is not the URL of a service.`, {
      advice: 'Give it without /v1, as in --url https://REGION-PROJECT.cloudfunctions.net/api.',
    });
  }
  const token = env['AGENT_ONCE_TOKEN'] ?? env['AGENT_ONCE_API_DEVELOPMENT_TOKEN'];
  const whose = namespace ?? env['AGENT_ONCE_NAMESPACE'];
  return {
    url: asked,
    ...(token !== undefined && { token }),
    ...(whose !== undefined && { namespace: whose }),
  };
}

/** The CLI with the options that led here, as a shell takes it: commands it suggests can be copied. */
export function invocationOf({ url, store, project, namespace }: TargetOptions): string {
  const options = Object.entries({ url, store, project, namespace }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name} ${shellQuoted(value)}`],
  );
  return ['agent-once', ...options].join(' ');
}

function shellQuoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
