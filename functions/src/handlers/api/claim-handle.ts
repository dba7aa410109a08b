import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { HeldClaim } from '../../engine/conclude-claim.ts';
import { ACTION_PATTERN, NAMESPACE_PATTERN, TOKEN_PATTERN } from '../../token/token.ts';
import type { Effect } from '../../operation/record.ts';
import type { Namespace, Token } from '../../token/token.ts';
import { EFFECTS } from './operation-fields.ts';

const VERSION = 'h2';
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
  z.string().regex(ACTION_PATTERN),
  z.string().max(64),
]);

/**
 * Makes and reads claims as their holders carry them: everything that the holder's later writes need, so
 * that none of them reads first, whichever instance it lands on.
 */
export interface ClaimHandles {
  make(held: HeldClaim): string;
  /** `undefined` where it was not made here, or was changed since, or is another namespace's. */
  read(handle: string, namespace: Namespace): HeldClaim | undefined;
}

export const HANDLE_PATTERN = /^h2\.[\w-]{1,4096}\.[\w-]{43}$/;

/**
 * Handles under an HMAC over all that they say, namespace and token included: nobody without a key makes
 * one, or puts one claim's part into another's. The first key makes them; each of them verifies.
 */
export function claimHandles(keys: readonly [string, ...string[]]): ClaimHandles {
  const [newest] = keys;
  return {
    make({ claim, action, retention }) {
      const { namespace, token, claimId, fence, attempt, revision, leaseMs, ttlMs } = claim;
      const { effect, started, redrivable, trackingId = null } = claim;
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
        action,
        retention,
      ];
      const body = Buffer.from(JSON.stringify(values)).toString('base64url');
      return `${VERSION}.${body}.${codeOf(newest, body).toString('base64url')}`;
    },
    read(handle, namespace) {
      const [version, body = '', code = ''] = handle.split('.');
      const told = Buffer.from(code, 'base64url');
      const genuine = keys.some((key) => same(codeOf(key, body), told));
      return version === VERSION && genuine ? heldBy(body, namespace) : undefined;
    },
  };
}

function heldBy(body: string, namespace: Namespace): HeldClaim | undefined {
  const parsed = fields.safeParse(JSON.parse(Buffer.from(body, 'base64url').toString()));
  if (!parsed.success || parsed.data[0] !== namespace) return undefined;
  const [, token, claimId, fence, attempt, revision, leaseMs, ttlMs, started, redrivable] =
    parsed.data;
  const [trackingId, effect, action, retention] = parsed.data.slice(10) as [
    string | null,
    Effect,
    string,
    string,
  ];
  return {
    action,
    retention,
    claim: {
      namespace,
      token: token as Token,
      claimId,
      fence,
      attempt,
      revision,
      leaseMs,
      ttlMs,
      effect,
      started,
      redrivable,
      ...(trackingId !== null && { trackingId }),
    },
  };
}

function codeOf(key: string, body: string): Buffer {
  return createHmac('sha256', key).update(`${VERSION}.${body}`).digest();
}

function same(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
