import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { LogEntry } from '../../functions/src/cli/log-entry.ts';
import { smokeTest } from '../../scripts/deploy/smoke-test.ts';
import { deploy } from '../support/deployment.ts';
import type { Deployment } from '../support/deployment.ts';
import { environmentOf } from './support/synthesised-environment.ts';

const { smokeTask } = environmentOf('dev');

describe('the smoke test after a deployment', () => {
  let deployment: Deployment;

  beforeAll(async () => {
    deployment = await deploy({ firestore: inject('firestoreHost'), pubsub: inject('pubsubHost') });
    const { port } = await deployment.start({ source: 'deployed' });
    await deployment.pubsub.push({ port });
  });
  afterAll(() => deployment.close());

  const environment = () => ({ AGENT_ONCE_STORE: 'firestore', ...deployment.env });

  it('publishes a task twice and sees it run once', async () => {
    const { token, attempts } = await smokeTest(smokeTask, environment());
    expect(attempts).toBe(1);
    const isDuplicate = (entry: LogEntry) => entry.decision?.outcome === 'replayed';
    await deployment.log.first('the second message', isDuplicate);
    const about = deployment.log.all.filter(
      ({ decision }) => decision?.action === smokeTask.action,
    );
    expect(about.map(({ decision }) => decision?.outcome)).toEqual(['completed', 'replayed']);
    expect(token).toMatch(/^k1_/);
  });

  it('fails where the task does not complete, and tells how to look at it', async () => {
    const turns = Array.from({ length: 20 }, () => ({ tool: 'search', args: {}, result: null }));
    const endless = { action: smokeTask.action, params: { goal: 'x', turns } };
    await expect(smokeTest(endless, environment())).rejects.toThrow('too_many_turns');
  });
});
