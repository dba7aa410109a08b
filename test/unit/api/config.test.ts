import { describe, expect, it } from 'vitest';
import { ConfigError, parseConfig } from '../../../functions/src/config.ts';
import type { Environment } from '../../../functions/src/config/settings.ts';

const EMBEDDED = {
  AGENT_ONCE_NAMESPACE: 'shop',
  AGENT_ONCE_STORE: 'embedded:.agent-once/store.sqlite',
  PUBSUB_EMULATOR_HOST: '127.0.0.1:8085',
};
const PRINCIPALS = '[{"principal":"agent@shop-1.iam","namespace":"shop","roles":["agent"]}]';
const HANDLE_KEY = 'A1b2C3d4'.repeat(6);
const OIDC = {
  ...EMBEDDED,
  AGENT_ONCE_API_AUDIENCE: 'https://api.example.com',
  AGENT_ONCE_API_PRINCIPALS: PRINCIPALS,
  AGENT_ONCE_API_HANDLE_KEY: HANDLE_KEY,
};
const DEVELOPMENT = { ...EMBEDDED, AGENT_ONCE_API_DEVELOPMENT_TOKEN: 'development-token' };

function faultsOf(environment: Environment): readonly string[] {
  try {
    parseConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

describe('the HTTP service', () => {
  it('is not served where nothing says who may call it', () => {
    expect(parseConfig(EMBEDDED)).not.toHaveProperty('api');
  });

  it('verifies ID tokens for its audience, and maps principals to namespaces and roles', () => {
    expect(parseConfig(OIDC).api).toEqual({
      caller: { verify: 'oidc', audience: 'https://api.example.com' },
      grants: [{ principal: 'agent@shop-1.iam', namespace: 'shop', roles: ['agent'] }],
      ratePerSecond: 500,
      handleKeys: [HANDLE_KEY],
    });
  });

  it('goes by IAM’s check of its callers only on Cloud Run, and only where it is told so', () => {
    const cloudRun = { ...OIDC, PUBSUB_EMULATOR_HOST: '', K_SERVICE: 'api' };
    const push = {
      AGENT_ONCE_PUSH_AUDIENCE: 'https://run-task.example.com',
      AGENT_ONCE_PUSH_SERVICE_ACCOUNT: 'pusher@shop-1.iam',
    };
    const behindIam = (environment: Environment) => {
      const { api, push: pushed } = parseConfig({ ...push, ...environment });
      return [api?.caller, pushed].map((caller) => caller && 'verifiedByIam' in caller);
    };
    const told = { AGENT_ONCE_IAM_CHECKS_CALLERS: 'true' };
    expect(behindIam({ ...cloudRun, ...told })).toEqual([true, true]);
    expect(behindIam(cloudRun)).toEqual([false, false]);
    expect(behindIam({ ...cloudRun, ...told, K_SERVICE: undefined })).toEqual([false, false]);
    const emulated = { ...cloudRun, ...told, FUNCTIONS_EMULATOR: 'true' };
    expect(behindIam(emulated)).toEqual([false, false]);
    const unclear = { ...OIDC, AGENT_ONCE_IAM_CHECKS_CALLERS: 'yes' };
    expect(faultsOf(unclear).join()).toContain('AGENT_ONCE_IAM_CHECKS_CALLERS');
  });

  it('takes a development token against the embedded store', () => {
    expect(parseConfig(DEVELOPMENT).api).toMatchObject({
      caller: { verify: 'development', token: 'development-token' },
      grants: [{ principal: 'developer@localhost', namespace: 'shop' }],
    });
  });

  it.each<[string, Environment]>([
    ['on Cloud Run', { ...DEVELOPMENT, K_SERVICE: 'api' }],
    ['beside an audience', { ...OIDC, AGENT_ONCE_API_DEVELOPMENT_TOKEN: 'development-token' }],
    [
      'on a real Firestore',
      { ...DEVELOPMENT, AGENT_ONCE_STORE: 'firestore', GOOGLE_CLOUD_PROJECT: 'shop-1' },
    ],
  ])('refuses a development token %s', (_, environment) => {
    expect(faultsOf(environment)).toContainEqual(
      expect.stringMatching(/^AGENT_ONCE_API_DEVELOPMENT_TOKEN is set/),
    );
  });

  it.each([
    'agent@shop-1.iam',
    '{}',
    '[{"principal":"agent","namespace":"shop","roles":["agent"]}]',
    '[{"principal":"a@b","namespace":"Shop","roles":["agent"]}]',
    '[{"principal":"a@b","namespace":"shop","roles":["root"]}]',
    '[{"principal":"a@b","namespace":"shop","roles":[]}]',
  ])('refuses principals like %s, naming the variable', (principals) => {
    const faults = faultsOf({ ...OIDC, AGENT_ONCE_API_PRINCIPALS: principals });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(/^AGENT_ONCE_API_PRINCIPALS is /);
  });

  it('makes handles by a key of its own, and reads those of the one before', () => {
    const older = 'Z9y8X7w6'.repeat(6);
    const keys = `${HANDLE_KEY},${older}`;
    const { api } = parseConfig({ ...OIDC, AGENT_ONCE_API_HANDLE_KEY: keys });
    expect(api?.handleKeys).toEqual([HANDLE_KEY, older]);
  });

  it('has a handle key only for development by default, another for each development token', () => {
    const keyFor = (token: string) =>
      parseConfig({ ...DEVELOPMENT, AGENT_ONCE_API_DEVELOPMENT_TOKEN: token }).api?.handleKeys[0];
    expect(keyFor('development-token')).not.toBe(keyFor('another-token'));
    const { AGENT_ONCE_API_HANDLE_KEY: _, ...keyless } = OIDC;
    expect(faultsOf(keyless)).toEqual([
      expect.stringMatching(/^AGENT_ONCE_API_HANDLE_KEY is missing\. It should be a secret/),
    ]);
  });

  it.each(['too-short-to-be-a-secret', 'x'.repeat(42), `${'x'.repeat(43)},short`, 'é'.repeat(43)])(
    'refuses the handle key %s, and does not say it',
    (secret) => {
      const faults = faultsOf({ ...OIDC, AGENT_ONCE_API_HANDLE_KEY: secret });
      expect(faults).toEqual([expect.stringMatching(/^AGENT_ONCE_API_HANDLE_KEY is set, but not/)]);
      expect(faults.join()).not.toContain(secret);
    },
  );
});
