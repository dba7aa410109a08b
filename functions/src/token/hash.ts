import { hash } from 'node:crypto';
import { encodeCanonical } from './canonical.ts';

/** A token or hash was asked for without one of its components, which is never hashed as empty. */
export class MissingComponent extends Error {
  override readonly name = 'MissingComponent';
  /** Which one: `agent`, or `part 2` of a list without names. */
  readonly component: string;

  constructor(version: string, component: string) {
    super(
      `Can't make a ${version} hash: its component "${component}" is missing or empty. ` +
        'Give it a value; an empty one would let unrelated operations share a token.',
    );
    this.component = component;
  }
}

/** A component of a token or hash is there, but can't be hashed without the risk of a collision. */
export class MalformedComponent extends Error {
  override readonly name = 'MalformedComponent';
  readonly component: string;

  constructor(version: string, component: string, problem: string) {
    super(`Can't make a ${version} hash: its component "${component}" ${problem}.`);
    this.component = component;
  }
}

/**
 * `<version>_<43 characters of base64url>`: SHA-256 over the version and the parts, each preceded by
 * its length in bytes, so that no two lists of parts meet by concatenation and no two versions meet.
 * `names` name the parts in errors.
 *
 * @throws {MissingComponent} for an empty or missing part, or none at all
 * @throws {MalformedComponent} for a lone surrogate, which UTF-8 can't tell from another
 */
export function hashOf(
  version: string,
  parts: readonly string[],
  names: readonly string[] = [],
): string {
  return `${version}_${digestOf(version, parts, names)}`;
}

/** {@link hashOf} without the version in front, for ids whose form a store dictates. */
export function digestOf(
  version: string,
  parts: readonly string[],
  names: readonly string[] = [],
): string {
  let input = lengthPrefixed(version);
  for (let index = 0; index < Math.max(parts.length, names.length, 1); index += 1) {
    const part = parts[index];
    const name = names[index] ?? `part ${index + 1}`;
    if (typeof part !== 'string' || part === '') throw new MissingComponent(version, name);
    if (!part.isWellFormed()) throw new MalformedComponent(version, name, 'has a lone surrogate');
    input += lengthPrefixed(part);
  }
  return hash('sha256', input, 'base64url');
}

function lengthPrefixed(part: string): string {
  return `${Buffer.byteLength(part)}:${part}`;
}

/**
 * `r1_…` over the action and its params. The action is part of it, so that one explicit key used for
 * two actions is a mismatch, and never answers one action with the other's result.
 *
 * @throws {CanonicalError} naming the param that has no canonical form
 */
export function requestHash(action: string, params: unknown): string {
  return hashOf('r1', [action, encodeCanonical(params)], ['action', 'params']);
}

/** What a request was made in; a part that is absent counts as absent, not as empty. */
export interface Context {
  /** The agent's state that the request was decided on. */
  readonly state?: unknown;
  readonly environment?: unknown;
  /** Versions of the services that the step depends on, by name. */
  readonly versions?: Readonly<Record<string, string>>;
}

/** `c1_…` over the context. Another context hash is drift, not another request. */
export function contextHash({ state, environment, versions }: Context): string {
  return hashOf('c1', [encodeCanonical({ state, environment, versions })], ['context']);
}
