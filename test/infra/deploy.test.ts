import { describe, expect, it } from 'vitest';
import { STACK_ORDER } from '../../infra/synthesise.ts';
import { parseArguments, UsageError } from '../../scripts/deploy/arguments.ts';
import { deploying, fakes, GCLOUD, PROJECT, TERRAFORM, to, without } from './support/deploying.ts';

describe('a deployment', () => {
  const order = (calls: readonly string[], verb: string) =>
    calls.flatMap((call) => new RegExp(`stacks/([a-z]+) ${verb} `).exec(call)?.[1] ?? []);

  it('plans every stack, then applies them in order, and prints where everything is', () => {
    const faked = fakes({ terraform: TERRAFORM, gcloud: GCLOUD });
    const { status, said } = deploying(faked, ['deploy', ...to, '--yes', '--no-smoke']);
    expect(said).toContain('https://api.example.com');
    expect(said).toContain(`export GOOGLE_CLOUD_PROJECT=${PROJECT}`);
    expect(said).not.toContain('secret-access-token');
    expect(status).toBe(0);
    const calls = faked.calls();
    expect(order(calls, 'plan')).toEqual(STACK_ORDER);
    expect(order(calls, 'apply')).toEqual(STACK_ORDER);
    const applied = calls.findIndex((call) => call.includes(' apply '));
    expect(calls.findLastIndex((call) => call.includes(' plan '))).toBeLessThan(applied);
    const filled = calls.findIndex((call) => call.includes('secrets versions add'));
    expect(filled).toBeGreaterThan(applied);
    expect(filled).toBeLessThan(calls.findIndex((call) => call.includes('stacks/compute apply')));
  });

  it('applies nothing where nothing is to change, and makes no secret twice', () => {
    const faked = fakes({
      terraform: without(TERRAFORM, ' plan ', { to: ' plan ', status: 0 }),
      gcloud: without(GCLOUD, 'secrets versions list', { to: 'secrets versions list', says: '1' }),
    });
    const { status, said } = deploying(faked, ['deploy', ...to, '--no-smoke']);
    expect(said).toContain('Nothing to change.');
    expect(status).toBe(0);
    expect(faked.calls().join('\n')).not.toMatch(/ apply |versions add|buckets create/);
  });

  it('makes the bucket for its state where there is none, locked and with versions', () => {
    const faked = fakes({
      terraform: without(TERRAFORM, ' plan ', { to: ' plan ', status: 1 }),
      gcloud: [{ to: 'buckets describe', status: 1 }, ...GCLOUD],
    });
    deploying(faked, ['deploy', ...to, '--yes']);
    const made = faked.calls().filter((call) => call.includes('storage buckets'));
    expect(made.join('\n')).toContain(`buckets create gs://${PROJECT}-agent-once-state`);
    expect(made.join('\n')).toContain('--public-access-prevention');
    expect(made.join('\n')).toContain('--versioning');
  });

  it('stops at the first stack that can not be planned, before any is applied', () => {
    const faked = fakes({
      terraform: without(TERRAFORM, ' plan ', { to: 'stacks/data plan ', status: 1 }),
      gcloud: GCLOUD,
    });
    const { status, said } = deploying(faked, ['deploy', ...to, '--yes']);
    expect(status).toBe(1);
    expect(said).toContain('stacks/data plan');
    expect(order(faked.calls(), 'apply')).toEqual([]);
    expect(order(faked.calls(), 'plan')).toEqual(['foundation', 'data']);
  });

  it('asks before it applies, and takes anything but yes for no', () => {
    const faked = fakes({ terraform: TERRAFORM, gcloud: GCLOUD });
    const { status, said } = deploying(faked, ['deploy', ...to], 'no\n');
    expect(said).toContain(`Apply this to ${PROJECT}?`);
    expect(status).toBe(1);
    expect(order(faked.calls(), 'apply')).toEqual([]);
  });
});

describe('a plan', () => {
  it('shows every stack and changes nothing, not even an API', () => {
    const faked = fakes({ terraform: TERRAFORM, gcloud: GCLOUD });
    const { status, said } = deploying(faked, ['plan', ...to]);
    expect(said).toContain(`To change: ${STACK_ORDER.join(', ')}.`);
    expect(status).toBe(0);
    expect(faked.calls().join('\n')).not.toMatch(
      / apply |services enable|buckets create|versions add/,
    );
  });

  it('is refused where nothing has been deployed to compare with', () => {
    const gcloud = [{ to: 'buckets describe', status: 1 }, ...GCLOUD];
    const faked = fakes({ terraform: TERRAFORM, gcloud });
    const { status, said } = deploying(faked, ['plan', ...to]);
    expect(said).toContain(`Nothing is deployed to ${PROJECT}`);
    expect(status).toBe(1);
  });
});

describe('taking a deployment down', () => {
  it('is refused where data is protected', () => {
    const faked = fakes({ terraform: TERRAFORM, gcloud: GCLOUD });
    const { status, said } = deploying(faked, [
      'destroy',
      '--env',
      'prod',
      '--project',
      PROJECT,
      '--yes',
    ]);
    expect(said).toContain('prod protects its data');
    expect(status).toBe(1);
    expect(faked.calls()).toEqual([]);
  });

  it('goes backwards, once the project has been named', () => {
    const faked = fakes({ terraform: TERRAFORM, gcloud: GCLOUD });
    const { status } = deploying(faked, ['destroy', ...to], `${PROJECT}\n`);
    expect(status).toBe(0);
    const applied = faked.calls().flatMap((call) => /stacks\/([a-z]+) apply/.exec(call)?.[1] ?? []);
    expect(applied).toEqual(STACK_ORDER.toReversed());
  });
});

describe('what is typed', () => {
  it('is a command and an environment', () => {
    expect(parseArguments(['plan', '--env', 'prod'])).toEqual({
      command: 'plan',
      environment: 'prod',
      yes: false,
      withoutSmokeTest: false,
    });
    expect(parseArguments(['synth']).environment).toBe('dev');
  });

  it.each([
    [[]],
    [['deploy']],
    [['launch', '--env', 'dev']],
    [['plan', 'dev', '--env', 'dev']],
    [['plan', '--end']],
  ])('is explained where it is not understood: %j', (args) => {
    expect(() => parseArguments(args)).toThrow(UsageError);
  });
});
