import { timingSafeEqual, hash } from 'node:crypto';
import { OAuth2Client } from 'google-auth-library';
import type { Certificates } from './push-caller.ts';

export type PrincipalAnswer =
  /** `principal` is the verified e-mail address. */
  | { readonly kind: 'verified'; readonly principal: string }
  /** `why` is for the log: a caller that can't prove itself is told no details. */
  | { readonly kind: 'refused'; readonly why: string }
  /** The proof could not be checked, through no fault of the caller's. */
  | { readonly kind: 'unavailable'; readonly why: string };

/** Judges the `Authorization` header of a request. */
export type IdentifyCaller = (authorization: string | undefined) => Promise<PrincipalAnswer>;

const ISSUERS = ['https://accounts.google.com', 'accounts.google.com'];
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/**
 * Identifies callers by ID tokens: signed by Google, in time, for this audience, of a verified e-mail
 * address (https://cloud.google.com/run/docs/authenticating/service-to-service).
 */
export function idTokenCaller(
  { audience }: { readonly audience: string },
  certificates: Certificates = googleCertificates(),
): IdentifyCaller {
  const client = new OAuth2Client();

  return async (authorization) => {
    const jwt = bearerOf(authorization);
    if (jwt === undefined || !JWT.test(jwt)) return refused('it holds no ID token');
    let trusted: Readonly<Record<string, string>>;
    try {
      trusted = await certificates();
    } catch (error) {
      return { kind: 'unavailable', why: `Google's certificates can't be had: ${String(error)}` };
    }
    try {
      const ticket = await client.verifySignedJwtWithCertsAsync(jwt, trusted, audience, ISSUERS);
      const { email, email_verified: verified } = ticket.getPayload() ?? {};
      if (email === undefined || email === '') return refused('its token has no e-mail address');
      if (verified !== true) return refused(`the e-mail address ${email} is unverified`);
      return { kind: 'verified', principal: email };
    } catch (error) {
      return refused(`its token is not valid: ${withoutToken(error)}`);
    }
  };
}

/**
 * Identifies callers where nothing signs for them, against emulators: `Bearer <token>` is the principal
 * that is given here, and `Bearer <token>:<e-mail address>` the one of that address.
 */
export function developmentCaller(developmentToken: string, principal: string): IdentifyCaller {
  return async (authorization) => {
    const bearer = bearerOf(authorization);
    if (bearer === undefined) return refused('it has no bearer token');
    const end = bearer.indexOf(':');
    const token = end === -1 ? bearer : bearer.slice(0, end);
    if (!sameText(token, developmentToken)) return refused('it is not the development token');
    return { kind: 'verified', principal: end === -1 ? principal : bearer.slice(end + 1) };
  };
}

function bearerOf(authorization: string | undefined): string | undefined {
  return authorization === undefined ? undefined : /^Bearer (\S+)$/i.exec(authorization)?.[1];
}

function refused(why: string): PrincipalAnswer {
  return { kind: 'refused', why };
}

function sameText(a: string, b: string): boolean {
  return timingSafeEqual(hash('sha256', a, 'buffer'), hash('sha256', b, 'buffer'));
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
