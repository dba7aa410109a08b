import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { verifyPushCaller } from '../../../functions/src/adapters/auth/push-caller.ts';

const AUDIENCE = 'https://run-task-abc.a.run.app/';
const SERVICE_ACCOUNT = 'pusher@shop-1.iam.gserviceaccount.com';

function keyPair() {
  return generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
}

const google = keyPair();
const stranger = keyPair();

const encoded = (json: unknown): string => Buffer.from(JSON.stringify(json)).toString('base64url');
const inSeconds = (offset: number): number => Math.floor(Date.now() / 1_000) + offset;

function token({
  claims = {},
  header = {},
  key = google.privateKey,
}: { claims?: object; header?: object; key?: string } = {}): string {
  const head = encoded({ alg: 'RS256', kid: 'k1', typ: 'JWT', ...header });
  const body = encoded({
    iss: 'https://accounts.google.com',
    aud: AUDIENCE,
    email: SERVICE_ACCOUNT,
    email_verified: true,
    iat: inSeconds(-60),
    exp: inSeconds(3_540),
    ...claims,
  });
  const signature = sign('sha256', Buffer.from(`${head}.${body}`), key).toString('base64url');
  return `${head}.${body}.${signature}`;
}

const verify = verifyPushCaller(
  { audience: AUDIENCE, serviceAccount: SERVICE_ACCOUNT },
  async () => ({ k1: google.publicKey }),
);

describe('a push request', () => {
  it.each(['https://accounts.google.com', 'accounts.google.com'])(
    'with a token of the configured service account, issued by %s, is let in',
    async (iss) => {
      expect(await verify(`Bearer ${token({ claims: { iss } })}`)).toEqual({ kind: 'verified' });
    },
  );

  const [head, body] = token().split('.');

  it.each<[string, string | undefined, RegExp]>([
    ['without a header', undefined, /no Authorization header/],
    ['with another scheme', 'Basic dXNlcjpwYXNz', /no bearer token/],
    ['with an empty token', 'Bearer ', /no bearer token/],
    ['with a token that is no JWT', 'Bearer abc', /no bearer token/],
    ['with a token of unreadable parts', 'Bearer a.b.c', /parse token envelope/],
    ["signed with a stranger's key", `Bearer ${token({ key: stranger.privateKey })}`, /signature/],
    ['whose content was changed', `Bearer ${head}.${encoded({ aud: AUDIENCE })}.xx`, /signature/],
    ['that is not signed', `Bearer ${head}.${body}.xx`, /signature/],
    [
      'that says it needs no signature',
      `Bearer ${encoded({ alg: 'none', kid: 'k1' })}.${body}.xx`,
      /signature/,
    ],
    ['under an unknown key', `Bearer ${token({ header: { kid: 'k2' } })}`, /No pem found/],
    ['that is expired', `Bearer ${token({ claims: { exp: inSeconds(-600) } })}`, /too late/],
    ['from the future', `Bearer ${token({ claims: { iat: inSeconds(600) } })}`, /too early/],
    ['without an expiry', `Bearer ${token({ claims: { exp: undefined } })}`, /No expiration/],
    ['that lives too long', `Bearer ${token({ claims: { exp: inSeconds(1e6) } })}`, /too far/],
    ['of another issuer', `Bearer ${token({ claims: { iss: 'https://evil.example' } })}`, /issuer/],
    ['for another audience', `Bearer ${token({ claims: { aud: 'https://other/' } })}`, /recipient/],
    ['for no audience', `Bearer ${token({ claims: { aud: undefined } })}`, /recipient/],
  ])('%s is refused with 401 and the reason', async (_what, authorization, why) => {
    const answer = await verify(authorization);
    expect(answer).toMatchObject({ kind: 'refused', status: 401, why: expect.stringMatching(why) });
  });

  it.each<[string, object]>([
    ['of another account', { email: 'someone@shop-1.iam.gserviceaccount.com' }],
    ['of no account', { email: undefined }],
    ['of an unverified address', { email_verified: false }],
    ['of an address that is not said to be verified', { email_verified: undefined }],
    ['of an address verified in words only', { email_verified: 'true' }],
  ])('with a token %s is refused with 403', async (_what, claims) => {
    expect(await verify(`Bearer ${token({ claims })}`)).toMatchObject({
      kind: 'refused',
      status: 403,
    });
  });

  it('is told to come again where the certificates can not be had', async () => {
    const offline = verifyPushCaller(
      { audience: AUDIENCE, serviceAccount: SERVICE_ACCOUNT },
      async () => {
        throw new Error('no route');
      },
    );
    expect(await offline(`Bearer ${token()}`)).toMatchObject({ kind: 'unavailable' });
  });
});

describe('a push request whose token has lost its signature', () => {
  const removed = (claims: object = {}): string => {
    const [head, body] = token({ claims }).split('.');
    return `Bearer ${head}.${body}.SIGNATURE_REMOVED_BY_GOOGLE`;
  };
  const trusted = async () => ({ k1: google.publicKey });
  const terms = { audience: AUDIENCE, serviceAccount: SERVICE_ACCOUNT };
  const behindIam = verifyPushCaller({ ...terms, verifiedByIam: true }, trusted);

  it('is let in where IAM has checked it', async () => {
    expect(await behindIam(removed())).toEqual({ kind: 'verified' });
  });

  it('is refused where nothing has checked it', async () => {
    const refused = { kind: 'refused', status: 401, why: expect.stringMatching(/signature/) };
    expect(await verify(removed())).toMatchObject(refused);
  });

  it.each<[string, string, number]>([
    ['is expired', removed({ exp: inSeconds(-600), iat: inSeconds(-4_000) }), 401],
    ['has no expiry', removed({ exp: undefined }), 401],
    ['lives too long', removed({ exp: inSeconds(1e6) }), 401],
    ['is from the future', removed({ iat: inSeconds(600) }), 401],
    ['is of another issuer', removed({ iss: 'https://evil.example' }), 401],
    ['is for another audience', removed({ aud: 'https://other/' }), 401],
    ['is for several audiences', removed({ aud: [AUDIENCE, 'https://other/'] }), 401],
    ['holds no JSON', 'Bearer a.b.SIGNATURE_REMOVED_BY_GOOGLE', 401],
    ['is of another account', removed({ email: 'someone@shop-1.iam.gserviceaccount.com' }), 403],
    ['is of an unverified address', removed({ email_verified: 'true' }), 403],
  ])('is refused behind IAM where the token %s', async (_what, authorization, status) => {
    expect(await behindIam(authorization)).toMatchObject({ kind: 'refused', status });
  });

  it.each([
    ['another word', 'REMOVED'],
    ['more before it', 'xSIGNATURE_REMOVED_BY_GOOGLE'],
    ['more after it', 'SIGNATURE_REMOVED_BY_GOOGLEx'],
  ])('is refused behind IAM where %s stands in its place', async (_what, signature) => {
    const [head, body] = token().split('.');
    expect(await behindIam(`Bearer ${head}.${body}.${signature}`)).toMatchObject({ status: 401 });
  });

  it('is verified by its signature behind IAM too, where it has one', async () => {
    expect(await behindIam(`Bearer ${token()}`)).toEqual({ kind: 'verified' });
    const forged = `Bearer ${token({ key: stranger.privateKey })}`;
    expect(await behindIam(forged)).toMatchObject({ kind: 'refused', status: 401 });
  });
});

it('no reason for a refusal holds any part of the token', async () => {
  const forged = [
    token({ key: stranger.privateKey }),
    token({ claims: { exp: inSeconds(-600) } }),
    token({ header: { kid: 'k2' } }),
    'a.b.c',
  ];
  for (const jwt of forged) {
    const answer = await verify(`Bearer ${jwt}`);
    const why = 'why' in answer ? answer.why : '';
    expect(why.length).toBeLessThan(80);
    for (const part of jwt.split('.').filter(({ length }) => length > 1)) {
      expect(why).not.toContain(part);
      expect(why).not.toContain(SERVICE_ACCOUNT);
    }
  }
});
