import type { z } from 'zod';
import { RetryableError, StoreAway } from '../operation/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { StateStore, StateWrite, StateWriteAnswer } from '../ports/state-store.ts';
import type { Page } from '../ports/token-store.ts';
import type { Token } from '../token/token.ts';
import { backoffMs } from '../workflow/backoff.ts';
import type { Backoff } from '../workflow/backoff.ts';
import { STATE_MAX_BYTES } from '../workflow/state.ts';
import type { StateVersion } from '../workflow/state.ts';
import type { Entity } from './define-entity.ts';
import { decodeAs, encodeAs } from './versioned-schema.ts';

/** What an update reaches the world through. */
export interface StateRuntime {
  readonly store: StateStore;
  readonly clock: Clock;
  /** From 0 to below 1; spreads the attempts of writers that meet. */
  random(): number;
}

/** What an entity becomes. `current` is `undefined`, and `version` 0, where it does not exist yet. */
export type Update<Schema extends z.ZodType> = (
  current: z.output<Schema> | undefined,
  version: number,
) => z.output<Schema> | Promise<z.output<Schema>>;

export interface UpdateOptions {
  /** The update's identity, for all attempts and redeliveries: an operation's token, or a child's. */
  readonly token: Token;
  /** Attempts before the update gives up. Default 20. */
  readonly maxAttempts?: number;
}

export interface Updated<Value> {
  /** `repeated`: the token was applied before, and the version is the one it made then. */
  readonly kind: 'written' | 'repeated';
  readonly version: number;
  readonly value: Value;
}

/** A value at one version, brought to the newest schema. */
export interface VersionedValue<Value> {
  readonly version: number;
  readonly value: Value;
  readonly token: Token;
  /** Store time of the write, in epoch milliseconds. */
  readonly at: number;
}

/** A version that this build can't read. What is stored stays as it was written. */
export interface UnreadableVersion extends Omit<VersionedValue<unknown>, 'value'> {
  readonly value?: never;
  /** `schema_newer`, `upcast_failed` or `schema_misfit`, naming entity and version. */
  readonly error: RetryableError;
}

/** A version in the history: a value, or the `error` why there is none. */
export type HistoryEntry<Value> =
  | (VersionedValue<Value> & { readonly error?: never })
  | UnreadableVersion;

const BACKOFF: Backoff = { firstMs: 50, longestMs: 1_000 };

/**
 * Writes what `fn` makes of the entity's value, only if that value still stands then; else reads and
 * tries again, after an exponential backoff with full jitter. No update is lost, and each token is
 * applied once: a later update under it changes nothing and is answered with what the first one wrote.
 *
 * `fn` may run more than once, and runs in vain where the token was applied before: it decides, and
 * does nothing else. What it throws is thrown, unless the token was applied before.
 *
 * @throws {RetryableError} `state_contended` when `maxAttempts` others came first
 * @throws {StoreAway} when the store can't be asked, or never told whether the write stands
 */
export async function updateState<Schema extends z.ZodType>(
  runtime: StateRuntime,
  entity: Entity<Schema>,
  fn: Update<Schema>,
  { token, maxAttempts = 20 }: UpdateOptions,
): Promise<Updated<z.output<Schema>>> {
  for (let attempt = 1; ; attempt += 1) {
    const tried = await attemptUpdate(runtime.store, entity, fn, token);
    if ('value' in tried) return tried;
    if (attempt >= maxAttempts) throw tried.away ?? contended(entity, maxAttempts);
    await pause(runtime.clock, backoffMs(attempt, runtime.random(), BACKOFF));
  }
}

async function attemptUpdate<Schema extends z.ZodType>(
  store: StateStore,
  entity: Entity<Schema>,
  fn: Update<Schema>,
  token: Token,
): Promise<Updated<z.output<Schema>> | { readonly away?: StoreAway }> {
  const { kind, namespace, id } = entity;
  const found = await store.read(namespace, id);
  const version = found?.version ?? 0;
  let text: string;
  try {
    const value = await fn(found && valueOf(entity, found), version);
    text = encodeAs(kind, `The new value of ${id}`, value, STATE_MAX_BYTES);
  } catch (error) {
    const applied = await store.readApplied(namespace, id, token);
    if (applied) return repeated(entity, applied);
    throw error;
  }
  const { schemaVersion } = kind;
  const revision = found && { revision: found.revision };
  const answer = await writeOnce(store, entity, {
    ifVersion: version,
    token,
    schemaVersion,
    text,
    ...revision,
  });
  if (answer instanceof StoreAway) return { away: answer };
  switch (answer.kind) {
    case 'written':
      // As every reader will see it, whatever the schema drops or fills in.
      return {
        kind: 'written',
        version: answer.version,
        value: valueOf(entity, { version: answer.version, schemaVersion, text }),
      };
    case 'repeated':
      return repeated(entity, answer.found);
    case 'conflict':
      return {};
  }
}

/** An unknown outcome is an answer like others here: the next attempt finds out, under the same token. */
async function writeOnce(
  store: StateStore,
  { namespace, id }: Entity,
  write: StateWrite,
): Promise<StateWriteAnswer | StoreAway> {
  try {
    return await store.write(namespace, id, write);
  } catch (error) {
    if (error instanceof StoreAway) return error;
    throw error;
  }
}

/** The entity's value now, at version `at.version`, or as of store time `at.asOf`. */
export async function readState<Schema extends z.ZodType>(
  store: StateStore,
  entity: Entity<Schema>,
  at: { readonly version: number } | { readonly asOf: number } | 'now' = 'now',
): Promise<VersionedValue<z.output<Schema>> | undefined> {
  const found = await findState(store, entity, at);
  return found && versionedValue(entity, found);
}

/**
 * Every version that the entity has had, the oldest first. One that this build can't read stands in its
 * place with its `error`, and keeps nobody from the others.
 */
export async function stateHistory<Schema extends z.ZodType>(
  store: StateStore,
  entity: Entity<Schema>,
  page: Page,
): Promise<{ versions: HistoryEntry<z.output<Schema>>[]; next?: string }> {
  const { versions, ...rest } = await store.history(entity.namespace, entity.id, page);
  return { versions: versions.map((found) => historyEntry(entity, found)), ...rest };
}

function historyEntry<Schema extends z.ZodType>(
  entity: Entity<Schema>,
  found: StateVersion,
): HistoryEntry<z.output<Schema>> {
  try {
    return versionedValue(entity, found);
  } catch (error) {
    if (!(error instanceof RetryableError)) throw error;
    const { version, token, at } = found;
    return { version, token, at, error };
  }
}

function findState(
  store: StateStore,
  { namespace, id }: Entity,
  at: { readonly version: number } | { readonly asOf: number } | 'now',
): Promise<StateVersion | undefined> {
  if (at === 'now') return store.read(namespace, id);
  if ('version' in at) return store.readVersion(namespace, id, at.version);
  return store.readAsOf(namespace, id, at.asOf);
}

function versionedValue<Schema extends z.ZodType>(
  entity: Entity<Schema>,
  found: StateVersion,
): VersionedValue<z.output<Schema>> {
  const { version, token, at } = found;
  return { version, value: valueOf(entity, found), token, at };
}

function valueOf<Schema extends z.ZodType>(
  { kind, id }: Entity<Schema>,
  found: Pick<StateVersion, 'version' | 'schemaVersion' | 'text'>,
): z.output<Schema> {
  return decodeAs(kind, `Version ${found.version} of ${id}`, found);
}

function repeated<Schema extends z.ZodType>(
  entity: Entity<Schema>,
  found: StateVersion,
): Updated<z.output<Schema>> {
  return { kind: 'repeated', version: found.version, value: valueOf(entity, found) };
}

function contended({ id }: Entity, attempts: number): RetryableError {
  return new RetryableError(
    'state_contended',
    `${id} changed under each of ${attempts} attempts to update it. Try again later; if this is ` +
      'usual, split the entity or raise maxAttempts.',
  );
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}
