import { describe, expect, it } from 'vitest';
import { deploying, fakes, GCLOUD, PROJECT, TERRAFORM, to, without } from './support/deploying.ts';

describe('before anything is changed, a deployment looks for', () => {
  it.each([
    ['Terraform', { gcloud: GCLOUD }, 'Terraform: is not on the PATH'],
    [
      'a recent Terraform',
      { gcloud: GCLOUD, terraform: [{ to: 'version', says: '{"terraform_version": "1.4.9"}' }] },
      'Terraform: is 1.4.9. Install 1.5 or later',
    ],
    ['gcloud', { terraform: TERRAFORM }, 'Credentials: need gcloud'],
    [
      'credentials',
      { terraform: TERRAFORM, gcloud: [{ to: 'print-access-token', status: 1 }] },
      'Run: gcloud auth application-default login',
    ],
    [
      'the project',
      {
        terraform: TERRAFORM,
        gcloud: without(GCLOUD, 'projects describe', { to: 'projects describe', status: 1 }),
      },
      `${PROJECT} does not exist`,
    ],
    [
      'a project that is not being deleted',
      {
        terraform: TERRAFORM,
        gcloud: without(GCLOUD, 'projects describe', {
          to: 'projects describe shop',
          says: 'DELETE_REQUESTED',
        }),
      },
      `${PROJECT} is DELETE_REQUESTED`,
    ],
    [
      'billing',
      {
        terraform: TERRAFORM,
        gcloud: without(GCLOUD, 'billing projects', { to: 'billing projects', says: 'False' }),
      },
      'Billing: is off for',
    ],
    [
      'rights to list the APIs',
      {
        terraform: TERRAFORM,
        gcloud: without(GCLOUD, 'services list', { to: 'services list', status: 1 }),
      },
      'APIs: could not be listed',
    ],
  ] as const)('%s', (_, programs, expected) => {
    const faked = fakes(programs);
    const { status, said } = deploying(faked, ['deploy', ...to, '--yes']);
    expect(said).toContain(expected);
    expect(said).toContain('Nothing was changed');
    expect(status).toBe(1);
    expect(faked.calls().join('\n')).not.toMatch(/services enable|buckets create| apply /);
  });

  it('a project of your own, before it asks Google for anything', () => {
    const faked = fakes({ terraform: TERRAFORM, gcloud: GCLOUD });
    const { said } = deploying(faked, ['deploy', '--env', 'dev', '--yes']);
    expect(said).toContain("Project: is still the example's, your-project-dev");
    expect(faked.calls().join('\n')).not.toContain('projects describe');
  });

  it('the APIs, and says which it is going to turn on', () => {
    const gcloud = without(GCLOUD, 'services list', {
      to: 'services list',
      says: 'run.googleapis.com',
    });
    const faked = fakes({
      terraform: TERRAFORM,
      gcloud: [{ to: 'services enable', status: 1 }, ...gcloud],
    });
    const { said } = deploying(faked, ['deploy', ...to, '--yes']);
    expect(said).toMatch(/later {2}APIs: to be turned on: .*pubsub\.googleapis\.com/);
    expect(said).toContain('gcloud services enable');
  });
});
