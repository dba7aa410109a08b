import { digestOf } from '../token/hash.ts';
import type { Namespace, Token } from '../token/token.ts';

declare const brand: unique symbol;

/** One entity within a namespace: the name of its kind, a slash, its own id: `account/4711`. */
export type EntityId = string & { readonly [brand]: 'EntityId' };

/** A kind's name is dotted lower-case words; an id is anything printable. */
const ENTITY_PATTERN = /^[a-z][a-z0-9_-]*(?:\.[a-z][a-z0-9_-]*)*\/[^\p{Cc}\p{Cs}]+$/u;

const ENTITY_MAX_BYTES = 512;

export function parseEntityId(text: string): EntityId | undefined {
  const fits = ENTITY_PATTERN.test(text) && Buffer.byteLength(text) <= ENTITY_MAX_BYTES;
  return fits ? (text as EntityId) : undefined;
}

/** @throws {RangeError} where kind or id are not usable */
export function entityId(kind: string, id: string): EntityId {
  const entity = parseEntityId(`${kind}/${id}`);
  if (entity !== undefined && !kind.includes('/')) return entity;
  throw new RangeError(
    `${JSON.stringify(`${kind}/${id}`)} names no entity. Its kind is dotted lower-case words; its id is ` +
      `printable text; together they are at most ${ENTITY_MAX_BYTES} bytes.`,
  );
}

/** An entity's value at one version, as it was written. Never changes. */
export interface StateVersion {
  /** From 1, without gaps. */
  readonly version: number;
  /** The value's canonical text. */
  readonly text: string;
  readonly schemaVersion: number;
  /** Of the write that made it. */
  readonly token: Token;
  /** Store time of that write, in epoch milliseconds. Never below an earlier version's. */
  readonly at: number;
}

/** The newest version, with what a conditional write needs. */
export interface EntityHead extends StateVersion {
  readonly revision: string;
}

/** The most that a value's text may take. Firestore's 1 MiB holds it with the record's other fields. */
export const STATE_MAX_BYTES = 700 * 1024;

export type StateDecision =
  | { readonly kind: 'write' }
  /** The entity is at another version; 0 where there is none. */
  | { readonly kind: 'conflict'; readonly version: number }
  /** The token has made a version before: nothing changes. */
  | { readonly kind: 'repeated'; readonly found: StateVersion };

/** Whether a write may be made. A token that was applied before comes first: its repetition is no conflict. */
export function decideWrite(
  standing: { readonly version: number; readonly applied: StateVersion | undefined },
  ifVersion: number,
): StateDecision {
  if (standing.applied) return { kind: 'repeated', found: standing.applied };
  if (standing.version !== ifVersion) return { kind: 'conflict', version: standing.version };
  return { kind: 'write' };
}

/** The id of the document that holds an entity's newest version. */
export function headDocumentId(namespace: Namespace, entity: EntityId): string {
  return digestOf('e1', [namespace, entity], ['namespace', 'entity']);
}

/** The id of the version that a token makes. One token, one document: it can't be applied twice. */
export function versionDocumentId(namespace: Namespace, entity: EntityId, token: Token): string {
  return digestOf('v1', [namespace, entity, token], ['namespace', 'entity', 'token']);
}
