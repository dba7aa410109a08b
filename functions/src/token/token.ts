import { digestOf, hashOf, MalformedComponent } from './hash.ts';

declare const brand: unique symbol;

/** The idempotency token of one operation: a version prefix and a SHA-256 digest in base64url. */
export type Token = string & { readonly [brand]: 'Token' };

/** Whose tokens these are. Comes from configuration or a verified identity, never from a message. */
export type Namespace = string & { readonly [brand]: 'Namespace' };

/** `t1_` derived, `k1_` from an explicit key, `s1_` a step under a root. 43 base64url digits hold 256 bits. */
export const TOKEN_PATTERN = /^[tks]1_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
export const NAMESPACE_PATTERN = /^[a-z][a-z0-9-]{0,62}$/;
/** Dotted lower-case words, at most 128 characters: `payments.charge`. */
export const ACTION_PATTERN = /^(?=.{1,128}$)[a-z][a-z0-9_-]*(?:\.[a-z][a-z0-9_-]*)*$/;

const KEY_MAX_BYTES = 512;

export function parseToken(text: string): Token | undefined {
  return TOKEN_PATTERN.test(text) ? (text as Token) : undefined;
}

export function parseNamespace(text: string): Namespace | undefined {
  return NAMESPACE_PATTERN.test(text) ? (text as Namespace) : undefined;
}

/** The action's name if it is one. */
export function parseAction(text: string): string | undefined {
  return ACTION_PATTERN.test(text) ? text : undefined;
}

export interface TokenComponents {
  readonly namespace: Namespace;
  /** What the operation belongs to, where the agent alone doesn't tell: a conversation, an order. */
  readonly scope: string;
  /** The agent instance. */
  readonly agent: string;
  readonly action: string;
  /** The time bucket's number. */
  readonly window: number;
  readonly requestHash: string;
}

const COMPONENT_NAMES = ['namespace', 'scope', 'agent', 'action', 'window', 'requestHash'];

/**
 * `t1_…`: the token of a request without an explicit key.
 *
 * @throws {MissingComponent} naming the component that is missing or empty
 */
export function derivedToken(components: TokenComponents): Token {
  const { namespace, scope, agent, action, window, requestHash } = components;
  const parts = [namespace, scope, agent, action, integerText('t1', 'window', window), requestHash];
  return hashOf('t1', parts, COMPONENT_NAMES) as Token;
}

/**
 * `k1_…`: the token of the caller's explicit key, 1–512 bytes of UTF-8. Nothing else is in it: the same
 * key with other params is the same token, found out as a mismatch by its request hash.
 */
export function keyToken(namespace: Namespace, key: string): Token {
  if (typeof key === 'string' && Buffer.byteLength(key) > KEY_MAX_BYTES) {
    throw new MalformedComponent('k1', 'key', `is longer than ${KEY_MAX_BYTES} bytes`);
  }
  return hashOf('k1', [namespace, key], ['namespace', 'key']) as Token;
}

/**
 * `s1_…`: the token of one operation within a root. `occurrence` counts from 0 and keeps two intended,
 * identical calls of one step apart; the same step of the same root is the same token on every retry.
 */
export function childToken(root: Token, path: string, occurrence: number): Token {
  if (occurrence < 0) throw new MalformedComponent('s1', 'occurrence', 'is below 0');
  const parts = [root, path, integerText('s1', 'occurrence', occurrence)];
  return hashOf('s1', parts, ['root', 'path', 'occurrence']) as Token;
}

/**
 * The id of the token's document: 43 base64url digits, spread evenly. Always a valid Firestore id: the
 * last digit holds 4 bits only, so it is never `_`, and no id has the reserved form `__…__`.
 */
export function documentId(namespace: Namespace, token: Token): string {
  return digestOf('d1', [namespace, token], ['namespace', 'token']);
}

/** The shard of a document, from 0 to `shards` − 1, evenly spread and fixed for a number of shards. */
export function shardOf(documentId: string, shards: number): number {
  if (!Number.isSafeInteger(shards) || shards < 1) {
    throw new RangeError(`The number of shards must be an integer from 1, not ${shards}.`);
  }
  const head = Buffer.from(documentId.slice(0, 6), 'base64url');
  if (head.length < 4) throw new RangeError(`${JSON.stringify(documentId)} is no document id.`);
  return head.readUInt32BE(0) % shards;
}

/**
 * The token as logs show it: `h1_` and 16 digits of its hash. Equal tokens look equal, and whoever
 * reads the logs can't present the token.
 */
export function shownToken(token: string): string {
  return `h1_${digestOf('h1', [token], ['token']).slice(0, 16)}`;
}

function integerText(version: string, name: string, value: number): string {
  if (value === undefined || value === null) return '';
  if (Number.isSafeInteger(value)) return String(value);
  throw new MalformedComponent(version, name, `must be a safe integer, not ${value}`);
}
