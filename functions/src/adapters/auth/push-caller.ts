import { OAuth2Client } from 'google-auth-library';
import type { TokenPayload } from 'google-auth-library';
import type { CallerAnswer, VerifyCaller } from '../../ports/verify-caller.ts';

export interface PushCaller {
  /** The `aud` that the subscription's tokens carry: the push endpoint, or what was configured instead. */
  readonly audience: string;
  /** The e-mail address of the service account that the subscription signs as. */
  readonly serviceAccount: string;
}

/** Google's signing certificates (PEM) by key id. */
export type Certificates = () => Promise<Readonly<Record<string, string>>>;

const ISSUERS = ['https://accounts.google.com', 'accounts.google.com'];
const BEARER = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i;

/**
 * Verifies the OIDC token of a push subscription: signed by Google, in time, for this audience, and
 * of this service account (https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions).
 */
export function verifyPushCaller(
  { audience, serviceAccount }: PushCaller,
  certificates: Certificates = googleCertificates(),
): VerifyCaller {
  const client = new OAuth2Client();

  return async (authorization) => {
    if (authorization === undefined) return unauthenticated('it has no Authorization header');
    const jwt = BEARER.exec(authorization)?.[1];
    if (jwt === undefined) return unauthenticated('its Authorization header holds no bearer token');

    let trusted: Readonly<Record<string, string>>;
    try {
      trusted = await certificates();
    } catch (error) {
      return { kind: 'unavailable', why: `Google's certificates can't be had: ${String(error)}` };
    }
    try {
      const ticket = await client.verifySignedJwtWithCertsAsync(jwt, trusted, audience, ISSUERS);
      return judge(ticket.getPayload(), serviceAccount);
    } catch (error) {
      return unauthenticated(`its token is not valid: ${withoutToken(error)}`);
    }
  };
}

function judge(payload: TokenPayload | undefined, serviceAccount: string): CallerAnswer {
  if (payload?.email !== serviceAccount) {
    const caller = payload?.email ?? 'a caller without an e-mail address';
    return forbidden(`it came from ${caller}, not from ${serviceAccount}`);
  }
  if (payload.email_verified !== true)
    return forbidden(`the e-mail ${serviceAccount} is unverified`);
  return { kind: 'verified' };
}

function unauthenticated(why: string): CallerAnswer {
  return { kind: 'refused', status: 401, why };
}

function forbidden(why: string): CallerAnswer {
  return { kind: 'refused', status: 403, why };
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
