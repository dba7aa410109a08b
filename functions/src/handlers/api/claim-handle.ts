import { z } from 'zod';
import type { HeldClaim } from '../../engine/conclude-claim.ts';
import { digestOf } from '../../token/hash.ts';
import { NAMESPACE_PATTERN, TOKEN_PATTERN } from '../../token/token.ts';
import type { Namespace, Token } from '../../token/token.ts';
import { EFFECTS } from './operation-fields.ts';

const VERSION = 'h1';
const LONGEST_MS = 100 * 365 * 86_400_000;

/** In the order they are written: version, then everything that a holder's write depends on. */
const fields = z.tuple([
  z.string().regex(NAMESPACE_PATTERN),
  z.string().regex(TOKEN_PATTERN),
  z.string().min(16).max(64),
  z.int().min(1),
  z.int().min(1),
  z.string().regex(/^[\d.]{1,40}$/),
  z.int().min(1).max(LONGEST_MS),
  z.int().min(1).max(LONGEST_MS),
  z.boolean(),
  z.boolean(),
  z.string().max(512).nullable(),
  z.enum(EFFECTS),
]);

/**
 * A claim as its holder carries it: everything that its later writes need, so that none of them reads
 * first, whichever instance it lands on. It is a capability, made from a random claim id; the digest
 * tells a damaged one, and the store refuses one whose claim is over.
 */
export function handleOf({ claim, effect }: HeldClaim): string {
  const { namespace, token, claimId, fence, attempt, revision, leaseMs, ttlMs } = claim;
  const { started, redrivable, trackingId = null } = claim;
  const values: z.input<typeof fields> = [
    namespace,
    token,
    claimId,
    fence,
    attempt,
    revision,
    leaseMs,
    ttlMs,
    started,
    redrivable,
    trackingId,
    effect,
  ];
  const body = Buffer.from(JSON.stringify(values)).toString('base64url');
  return `${VERSION}.${body}.${digestOf(VERSION, [body])}`;
}

export const HANDLE_PATTERN = /^h1\.[\w-]{1,4096}\.[\w-]{43}$/;

/** The claim, or `undefined` where this is no handle that this service made for the namespace. */
export function readHandle(handle: string, namespace: Namespace): HeldClaim | undefined {
  const [version, body = '', digest] = handle.split('.');
  if (version !== VERSION || body === '' || digest !== digestOf(VERSION, [body])) return undefined;
  const parsed = fields.safeParse(jsonOf(body));
  if (!parsed.success || parsed.data[0] !== namespace) return undefined;
  const [, token, claimId, fence, attempt, revision, leaseMs, ttlMs, started, redrivable] =
    parsed.data;
  const trackingId = parsed.data[10];
  return {
    effect: parsed.data[11],
    claim: {
      namespace,
      token: token as Token,
      claimId,
      fence,
      attempt,
      revision,
      leaseMs,
      ttlMs,
      started,
      redrivable,
      ...(trackingId !== null && { trackingId }),
    },
  };
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(Buffer.from(body, 'base64url').toString());
  } catch {
    return undefined;
  }
}
