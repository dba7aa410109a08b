import { randomBytes } from 'node:crypto';
import type { Environment } from '../../infra/environment.ts';
import { requiredApis } from '../../infra/required-apis.ts';
import { SECRETS, stateBucketName } from '../../infra/resource-names.ts';
import { mustRun, run } from './run-command.ts';

const SECRET_BYTES = 48;
/** The most that one call may turn on. */
const APIS_AT_ONCE = 20;

/**
 * What Terraform needs before it can do anything: APIs, and a bucket for its state. Again is harmless. Of APIs that
 * Terraform turns on itself it does not wait until they can be used.
 */
export async function bootstrap(environment: Environment): Promise<void> {
  const { project, region } = environment;
  const apis = requiredApis(environment);
  for (let from = 0; from < apis.length; from += APIS_AT_ONCE) {
    const some = apis.slice(from, from + APIS_AT_ONCE);
    await mustRun('gcloud', ['services', 'enable', ...some, `--project=${project}`]);
  }
  if (await hasState({ project })) return;
  const bucket = stateBucket({ project });
  await mustRun('gcloud', [
    'storage',
    'buckets',
    'create',
    bucket,
    `--project=${project}`,
    `--location=${region}`,
    '--uniform-bucket-level-access',
    '--public-access-prevention',
  ]);
  await mustRun('gcloud', ['storage', 'buckets', 'update', bucket, '--versioning']);
}

/** Terraform's state has a place, which the first deployment makes. */
export async function hasState(environment: Pick<Environment, 'project'>): Promise<boolean> {
  const args = ['storage', 'buckets', 'describe', stateBucket(environment)];
  return (await run('gcloud', args)).status === 0;
}

const stateBucket = ({ project }: Pick<Environment, 'project'>): string =>
  `gs://${stateBucketName(project)}`;

/** Gives each secret that has no value a random one, which goes into no file and no state. */
export async function fillSecrets({ project }: Environment): Promise<readonly string[]> {
  const filled: string[] = [];
  for (const secret of SECRETS) {
    const where = [secret, `--project=${project}`];
    const onlyNames = ['--filter=state=ENABLED', '--format=value(name)'];
    const list = ['secrets', 'versions', 'list', ...where, ...onlyNames];
    const versions = await mustRun('gcloud', list);
    if (versions.trim() !== '') continue;
    await mustRun('gcloud', ['secrets', 'versions', 'add', ...where, '--data-file=-'], {
      input: randomBytes(SECRET_BYTES).toString('base64url'),
    });
    filled.push(secret);
  }
  return filled;
}
