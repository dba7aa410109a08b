import type { ClaimRequest } from '../operation/claim.ts';
import type { Effect } from '../operation/record.ts';
import { resolveRetention } from '../retention/classes.ts';
import { contextHash, requestHash } from '../token/hash.ts';
import type { Context } from '../token/hash.ts';
import { tick } from '../token/lamport.ts';
import { childToken, keyToken } from '../token/token.ts';
import type { Namespace, Token } from '../token/token.ts';
import { WINDOW_MS, windowedTokens } from '../token/window.ts';

/** An operation as a caller of the service describes it. */
export interface DescribedOperation {
  readonly namespace: Namespace;
  readonly action: string;
  /** Who asks: part of the token where there is neither key nor token nor place. */
  readonly agent: string;
  /** Decoded; or its hash, where the caller keeps its params to itself. */
  readonly request: { readonly params: unknown } | { readonly hash: string };
  readonly context?: Context | undefined;
  readonly identity:
    | { readonly by: 'key'; readonly key: string }
    | { readonly by: 'token'; readonly token: Token }
    | { readonly by: 'place'; readonly occurrence: number }
    | { readonly by: 'window'; readonly scope: string };
  /** The workflow that it belongs to. Its own token by default; needed for `place`. */
  readonly root?: Token | undefined;
  readonly path?: string | undefined;
  readonly logicalTime?: number | undefined;
  /** Epoch milliseconds, by the caller's clock. */
  readonly madeAt: number;
  readonly effect: Effect;
  readonly retention: string;
}

/** What an operation is known by, and what its record keeps of it. */
export type IdentifiedOperation = Pick<ClaimRequest, 'facts' | 'window'>;

/** Makes token and hashes of an operation that some other program runs. */
export function identifyOperation(described: DescribedOperation): IdentifiedOperation {
  const { namespace, action, agent, request, context, madeAt, effect } = described;
  const hash = 'hash' in request ? request.hash : requestHash(action, request.params);
  const { token, window } = tokenOf(described, hash);
  const { name, ttlMs, capMs, forgetMs } = resolveRetention(described.retention);
  return {
    facts: {
      namespace,
      token,
      action,
      agent,
      root: described.root ?? token,
      path: described.path ?? action,
      logicalTime: described.logicalTime ?? tick(0),
      madeAt,
      requestHash: hash,
      ...(context && { contextHash: contextHash(context) }),
      effect,
      retention: { name, ttlMs, capMs, forgetMs },
    },
    ...(window && { window }),
  };
}

function tokenOf(
  { namespace, action, agent, identity, root, path = action, madeAt }: DescribedOperation,
  hash: string,
): { token: Token; window?: ClaimRequest['window'] } {
  switch (identity.by) {
    case 'key':
      return { token: keyToken(namespace, identity.key) };
    case 'token':
      return { token: identity.token };
    case 'place':
      if (root === undefined) throw new RangeError('A place in a workflow needs its root.');
      return { token: childToken(root, path, identity.occurrence) };
    case 'window': {
      const components = { namespace, scope: identity.scope, agent, action, requestHash: hash };
      const { token, neighbours } = windowedTokens(components, madeAt);
      return { token, window: { neighbours, lengthMs: WINDOW_MS } };
    }
  }
}
