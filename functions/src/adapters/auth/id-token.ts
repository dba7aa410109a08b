import { OAuth2Client } from 'google-auth-library';

/** Google's signing certificates (PEM) by key id. */
export type Certificates = () => Promise<Readonly<Record<string, string>>>;

export interface IdTokenTerms {
  /** The `aud` that a token must carry. */
  readonly audience: string;
  /**
   * Cloud Run's IAM has checked each request before it comes here, and has taken the signature out of the
   * token that it checked (https://cloud.google.com/run/docs/troubleshooting#signature-removed): such a
   * token is judged by what it says. Never set this where anybody may call: a token without its signature
   * is made by anybody.
   */
  readonly verifiedByIam?: true;
}

export interface IdTokenClaims {
  readonly email: string | undefined;
  /** Only where the token says so by the value `true`. */
  readonly emailVerified: boolean;
}

export type JudgedToken =
  | { readonly kind: 'valid'; readonly claims: IdTokenClaims }
  /** `why` holds no part of the token. */
  | { readonly kind: 'invalid'; readonly why: string }
  /** It could not be checked, through no fault of the caller's. */
  | { readonly kind: 'unavailable'; readonly why: string };

const ISSUERS = ['https://accounts.google.com', 'accounts.google.com'];
const REMOVED = '.SIGNATURE_REMOVED_BY_GOOGLE';
/** How far clocks may be apart, and how long a token may live: as Google's own library has it. */
const SKEW_SECONDS = 300;
const LONGEST_SECONDS = 86_400;

/** Judges ID tokens: signed by Google, or found signed by IAM before, in time, and for this audience. */
export function idTokenJudge(
  { audience, verifiedByIam }: IdTokenTerms,
  certificates: Certificates = googleCertificates(),
  now: () => number = Date.now,
): (jwt: string) => Promise<JudgedToken> {
  const client = new OAuth2Client();

  return async (jwt) => {
    if (verifiedByIam && jwt.endsWith(REMOVED)) return judgeClaims(jwt, audience, now() / 1_000);
    let trusted: Readonly<Record<string, string>>;
    try {
      trusted = await certificates();
    } catch (error) {
      return { kind: 'unavailable', why: `Google's certificates can't be had: ${String(error)}` };
    }
    try {
      const ticket = await client.verifySignedJwtWithCertsAsync(jwt, trusted, audience, ISSUERS);
      return valid({ ...ticket.getPayload() });
    } catch (error) {
      return invalid(withoutToken(error));
    }
  };
}

type Payload = Readonly<Record<string, unknown>>;

/** What the library checks beside the signature. */
function judgeClaims(jwt: string, audience: string, nowSeconds: number): JudgedToken {
  const payload = payloadOf(jwt);
  if (!payload) return invalid("Can't parse token payload");
  const { iss, aud, iat, exp } = payload;
  if (typeof iat !== 'number') return invalid('No issue time in token');
  if (typeof exp !== 'number') return invalid('No expiration time in token');
  if (exp >= nowSeconds + LONGEST_SECONDS) return invalid('Expiration time too far in future');
  if (nowSeconds < iat - SKEW_SECONDS) return invalid('Token used too early');
  if (nowSeconds > exp + SKEW_SECONDS) return invalid('Token used too late');
  if (!ISSUERS.includes(String(iss))) return invalid('Invalid issuer');
  if (aud !== audience) return invalid('Wrong recipient');
  return valid(payload);
}

function payloadOf(jwt: string): Payload | undefined {
  try {
    const text = Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString();
    const payload: unknown = JSON.parse(text);
    return typeof payload === 'object' && payload !== null ? (payload as Payload) : undefined;
  } catch {
    return undefined;
  }
}

function valid({ email, email_verified: verified }: Payload): JudgedToken {
  const address = typeof email === 'string' && email !== '' ? email : undefined;
  return { kind: 'valid', claims: { email: address, emailVerified: verified === true } };
}

function invalid(why: string): JudgedToken {
  return { kind: 'invalid', why };
}

/** The library's messages go on with the token or its content; a log must not hold them. */
function withoutToken(error: unknown): string {
  return error instanceof Error
    ? error.message.replace(/(?::|,| ').*$/s, '')
    : 'for no reason told';
}

function googleCertificates(): Certificates {
  const client = new OAuth2Client();
  return async () => (await client.getFederatedSignonCertsAsync()).certs as Record<string, string>;
}
