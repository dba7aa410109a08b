import type { CallerAnswer, VerifyCaller } from '../../ports/verify-caller.ts';
import { idTokenJudge } from './id-token.ts';
import type { Certificates, IdTokenClaims, IdTokenTerms } from './id-token.ts';

/** `audience` is the push endpoint, or what was configured for the subscription instead. */
export interface PushCaller extends IdTokenTerms {
  /** The e-mail address of the service account that the subscription signs as. */
  readonly serviceAccount: string;
}

const BEARER = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i;

/**
 * Verifies the OIDC token of a push subscription: signed by Google, in time, for this audience, and
 * of this service account (https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions).
 */
export function verifyPushCaller(
  { serviceAccount, ...terms }: PushCaller,
  certificates?: Certificates,
): VerifyCaller {
  const judge = idTokenJudge(terms, certificates);

  return async (authorization) => {
    if (authorization === undefined) return unauthenticated('it has no Authorization header');
    const jwt = BEARER.exec(authorization)?.[1];
    if (jwt === undefined) return unauthenticated('its Authorization header holds no bearer token');
    const judged = await judge(jwt);
    switch (judged.kind) {
      case 'valid':
        return judgeClaims(judged.claims, serviceAccount);
      case 'invalid':
        return unauthenticated(`its token is not valid: ${judged.why}`);
      case 'unavailable':
        return judged;
    }
  };
}

function judgeClaims(
  { email, emailVerified }: IdTokenClaims,
  serviceAccount: string,
): CallerAnswer {
  if (email !== serviceAccount) {
    const caller = email ?? 'a caller without an e-mail address';
    return forbidden(`it came from ${caller}, not from ${serviceAccount}`);
  }
  if (!emailVerified) return forbidden(`the e-mail ${serviceAccount} is unverified`);
  return { kind: 'verified' };
}

function unauthenticated(why: string): CallerAnswer {
  return { kind: 'refused', status: 401, why };
}

function forbidden(why: string): CallerAnswer {
  return { kind: 'refused', status: 403, why };
}
