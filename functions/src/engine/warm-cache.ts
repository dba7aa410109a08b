import { LRUCache } from 'lru-cache';
import { isTerminal } from '../operation/record.ts';
import type { StoredOperation, TerminalRecord } from '../operation/record.ts';
import type { Namespace, Token } from '../token/token.ts';
import type { Clock } from '../ports/clock.ts';

/** Bounds how long an override may go unseen by a warm instance. */
export const CACHE_TTL_MS = 60_000;
const MAX_KNOWN = 50_000;

export interface WarmCache {
  recall(namespace: Namespace, token: Token): StoredOperation<TerminalRecord> | undefined;
  /** Takes in terminal records whose follow-ups are published; anything else is only remembered as known. */
  admit(operation: StoredOperation): void;
  /** Whether this instance has met the token: a hint to read before writing, never more. */
  mightKnow(namespace: Namespace, token: Token): boolean;
  meet(namespace: Namespace, token: Token): void;
}

/**
 * What this instance has seen settled lately, bounded by bytes and by age. It can save a read; it
 * never stands in for a claim.
 */
export function warmCache(
  clock: Clock,
  { maxBytes = 16 * 1024 * 1024, maxKnown = MAX_KNOWN } = {},
): WarmCache {
  const settled = new LRUCache<string, StoredOperation<TerminalRecord>>({
    maxSize: maxBytes,
    maxEntrySize: Math.max(1, Math.floor(maxBytes / 16)),
    sizeCalculation: bytesOf,
    ttl: CACHE_TTL_MS,
    ttlResolution: 0,
    perf: { now: () => clock.monotonic() + 1 },
  });
  const known = new LRUCache<string, true>({ max: maxKnown });

  return {
    recall: (namespace, token) => settled.get(keyOf(namespace, token)),
    admit(operation) {
      const { record } = operation;
      const key = keyOf(record.namespace, record.token);
      known.set(key, true);
      if (!isTerminal(record) || (record.status === 'completed' && !record.sent)) return;
      settled.set(key, { ...operation, record });
    },
    mightKnow: (namespace, token) => known.has(keyOf(namespace, token)),
    meet(namespace, token) {
      known.set(keyOf(namespace, token), true);
    },
  };
}

/** Unambiguous as it stands, since no namespace has a colon; hashing it would cost more than the look-up. */
function keyOf(namespace: Namespace, token: Token): string {
  return `${namespace}:${token}`;
}

const OVERHEAD_BYTES = 1_024;

function bytesOf({ record }: StoredOperation<TerminalRecord>): number {
  const inline = record.status === 'completed' && record.result.kind === 'inline';
  return OVERHEAD_BYTES + (inline ? 2 * record.result.text.length : 0);
}
