import { describe, expect, it } from 'vitest';
import { EnvironmentError, parseEnvironment } from '../../infra/environment.ts';
import { loadEnvironment } from '../../infra/load-environment.ts';

const LEAST = { name: 'test', project: 'some-project', region: 'europe-west1', namespace: 'shop' };

function messageOf(settings: unknown): string {
  try {
    parseEnvironment(settings);
  } catch (error) {
    if (error instanceof EnvironmentError) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('an environment', () => {
  it('needs a name, a project, a region and a namespace, and nothing else', () => {
    expect(parseEnvironment(LEAST)).toMatchObject({
      ...LEAST,
      shards: 16,
      ackDeadlineSeconds: 600,
    });
  });

  it('has everything that is wrong with it named in one message', () => {
    const message = messageOf({
      name: 'Test',
      project: 'P',
      region: 'europe',
      shards: 0,
      retention: { messageDays: 40 },
      alerts: { emails: ['nobody'] },
      api: { grants: [{ principal: 'x', namespace: 'shop', roles: [] }] },
      typo: true,
    });
    for (const path of [
      'name:',
      'project:',
      'region:',
      'namespace:',
      'shards: must be a whole number from 1 to 1024',
      'retention.messageDays:',
      'alerts.emails.0:',
      'api.grants.0.principal:',
      'api.grants.0.roles:',
      'typo',
    ]) {
      expect(message).toContain(path);
    }
  });

  it.each([
    [
      { functionTimeoutSeconds: 540, ackDeadlineSeconds: 540 },
      'functionTimeoutSeconds: must be below',
    ],
    [
      { retention: { nearlineAfterDays: 90, coldlineAfterDays: 30 } },
      'retention: nearlineAfterDays <',
    ],
    [{ retention: { deleteAfterDays: 365 } }, 'retention.deleteAfterDays: must be above'],
    [
      {
        retention: {
          nearlineAfterDays: 1,
          coldlineAfterDays: 2,
          archiveAfterDays: 3,
          deleteAfterDays: 150,
        },
      },
      'retention.deleteAfterDays: must be at least 151',
    ],
    [
      { retention: { deleteAfterDays: 400, lock: { days: 500 } } },
      'retention.lock.days: must not be above deleteAfterDays (400)',
    ],
    [{ runTask: { minInstances: 9, maxInstances: 2 } }, 'runTask.minInstances: must not be above'],
    [{ runTask: { cpu: '0.5', concurrency: 20 } }, 'runTask.cpu: must be at least 1'],
    [
      { variables: { AGENT_ONCE_SHARDS: '2' } },
      'variables.AGENT_ONCE_SHARDS: is set by the deployment',
    ],
  ])('can not have settings that contradict each other: %j', (settings, expected) => {
    expect(messageOf({ ...LEAST, ...settings })).toContain(expected);
  });

  it.each(['dev', 'staging', 'prod'])('comes as an example: %s', async (name) => {
    expect(await loadEnvironment(name)).toMatchObject({ name });
  });

  it('can be deployed to another project than its file names', async () => {
    const { project } = await loadEnvironment('dev', { project: 'another-project' });
    expect(project).toBe('another-project');
  });

  it('that does not exist is answered by those that do', async () => {
    await expect(loadEnvironment('nowhere')).rejects.toThrow('dev, prod, staging');
    await expect(loadEnvironment('../main')).rejects.toThrow(EnvironmentError);
  });
});
