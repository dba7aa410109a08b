import type { Environment } from '../../infra/environment.ts';
import { requiredApis } from '../../infra/required-apis.ts';
import { run } from './run-command.ts';

export interface Check {
  readonly title: string;
  /** What was found, or what is wrong and what to do about it. */
  readonly detail: string;
  /** `later`: the deployment itself sets it right. */
  readonly state: 'ok' | 'later' | 'wrong';
}

const TERRAFORM = { major: 1, minor: 5 };

/** Everything that must be there before anything is changed. Looks only. */
export async function preflight(environment: Environment): Promise<readonly Check[]> {
  const named = projectName(environment);
  const [terraform, credentials] = await Promise.all([
    terraformVersion(),
    applicationCredentials(),
  ]);
  if (named.state === 'wrong' || credentials.state === 'wrong') {
    return [terraform, named, credentials];
  }
  const [project, billing, apis] = await Promise.all([
    projectExists(environment),
    billingIsOn(environment),
    apisAreOn(environment),
  ]);
  return [terraform, credentials, project, billing, apis];
}

const ok = (title: string, detail: string): Check => ({ title, detail, state: 'ok' });
const wrong = (title: string, detail: string): Check => ({ title, detail, state: 'wrong' });

async function terraformVersion(): Promise<Check> {
  const title = 'Terraform';
  const least = `${TERRAFORM.major}.${TERRAFORM.minor}`;
  const install = `Install ${least} or later: https://developer.hashicorp.com/terraform/install`;
  const { status, stdout } = await run('terraform', ['version', '-json']);
  if (status === undefined) return wrong(title, `is not on the PATH. ${install}`);
  const [, version = '', major = '0', minor = '0'] =
    /"terraform_version":\s*"((\d+)\.(\d+)[^"]*)"/.exec(stdout) ?? [];
  const recent =
    Number(major) > TERRAFORM.major ||
    (Number(major) === TERRAFORM.major && Number(minor) >= TERRAFORM.minor);
  return recent ? ok(title, version) : wrong(title, `is ${version || 'unreadable'}. ${install}`);
}

/** The examples' projects belong to nobody here. */
function projectName({ name, project }: Environment): Check {
  if (!project.startsWith('your-project')) return ok('Project', project);
  return wrong(
    'Project',
    `is still the example's, ${project}. Put yours into infra/environments/${name}.ts, or pass --project ID.`,
  );
}

async function applicationCredentials(): Promise<Check> {
  const title = 'Credentials';
  const { status } = await run('gcloud', ['auth', 'application-default', 'print-access-token']);
  if (status === 0) return ok(title, 'application default credentials');
  if (status === undefined) {
    return wrong(
      title,
      'need gcloud, which is not on the PATH: https://cloud.google.com/sdk/docs/install',
    );
  }
  return wrong(title, 'are missing or have run out. Run: gcloud auth application-default login');
}

async function projectExists({ project }: Environment): Promise<Check> {
  const args = ['projects', 'describe', project, '--format=value(lifecycleState)'];
  const { status, stdout } = await run('gcloud', args);
  if (status === 0 && stdout.trim() === 'ACTIVE') return ok('Project', project);
  const state =
    status === 0 ? `is ${stdout.trim()}` : 'does not exist, or these credentials may not see it';
  return wrong('Project', `${project} ${state}. gcloud projects list shows those that you have.`);
}

async function billingIsOn({ project }: Environment): Promise<Check> {
  const args = ['billing', 'projects', 'describe', project, '--format=value(billingEnabled)'];
  const { status, stdout } = await run('gcloud', args);
  if (status !== 0) return ok('Billing', 'could not be looked up; Terraform will say if it is off');
  if (stdout.trim() === 'True') return ok('Billing', 'is on');
  const link = `https://console.cloud.google.com/billing/linkedaccount?project=${project}`;
  return wrong('Billing', `is off for ${project}, and functions need it. Turn it on: ${link}`);
}

async function apisAreOn(environment: Environment): Promise<Check> {
  const { project } = environment;
  const args = [
    'services',
    'list',
    '--enabled',
    `--project=${project}`,
    '--format=value(config.name)',
  ];
  const { status, stdout, stderr } = await run('gcloud', args);
  if (status !== 0) return wrong('APIs', `could not be listed. ${stderr.trim()}`);
  const on = new Set(stdout.split('\n').map((line) => line.trim()));
  const missing = requiredApis(environment).filter((api) => !on.has(api));
  if (missing.length === 0) return ok('APIs', 'all are on');
  return { title: 'APIs', state: 'later', detail: `to be turned on: ${missing.join(', ')}` };
}
