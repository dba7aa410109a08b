import { timingSafeEqual, hash } from 'node:crypto';
import { idTokenJudge } from './id-token.ts';
import type { Certificates, IdTokenTerms } from './id-token.ts';

export type PrincipalAnswer =
  /** `principal` is the verified e-mail address. */
  | { readonly kind: 'verified'; readonly principal: string }
  /** `why` is for the log: a caller that can't prove itself is told no details. */
  | { readonly kind: 'refused'; readonly why: string }
  /** The proof could not be checked, through no fault of the caller's. */
  | { readonly kind: 'unavailable'; readonly why: string };

/** Judges what a request says in `Authorization`, or in `X-Serverless-Authorization` in its place. */
export type IdentifyCaller = (authorization: string | undefined) => Promise<PrincipalAnswer>;

const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/**
 * Identifies callers by ID tokens: signed by Google, in time, for this audience, of a verified e-mail
 * address (https://cloud.google.com/run/docs/authenticating/service-to-service).
 */
export function idTokenCaller(terms: IdTokenTerms, certificates?: Certificates): IdentifyCaller {
  const judge = idTokenJudge(terms, certificates);

  return async (authorization) => {
    const jwt = bearerOf(authorization);
    if (jwt === undefined || !JWT.test(jwt)) return refused('it holds no ID token');
    const judged = await judge(jwt);
    if (judged.kind === 'unavailable') return judged;
    if (judged.kind === 'invalid') return refused(`its token is not valid: ${judged.why}`);
    const { email, emailVerified } = judged.claims;
    if (email === undefined) return refused('its token has no e-mail address');
    if (!emailVerified) return refused(`the e-mail address ${email} is unverified`);
    return { kind: 'verified', principal: email };
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
