import type { ArchivedRecord, StoredOperation } from '../operation/record.ts';
import type { ColdEntry, ColdStorage } from '../ports/cold-storage.ts';
import { recordOf } from '../retention/archive-line.ts';
import type { ArchivedLine } from '../retention/archive-line.ts';
import type { HotRecord } from '../retention/archive-plan.ts';
import { archivedAt, batchOf, SETTLED_AFTER_MS, shardFolder } from '../retention/archive-plan.ts';
import { holdsPayload } from '../retention/purged.ts';
import { shownToken } from '../token/token.ts';
import type { Namespace, Token } from '../token/token.ts';
import { erasePayload, whyLocked, whyNotErasable } from './cold-erase.ts';
import { linesIn } from './cold-lines.ts';
import { rewriteWithout } from './cold-rewrite.ts';
import { purgeFromWorkflow } from './purge-workflow.ts';
import type { RestoredBy } from './restore.ts';
import type { Runtime } from './runtime.ts';

export type ColdPurgeAnswer =
  /** Nowhere in cold storage is its payload any more; `rewritten` objects were written anew for that. */
  | { readonly kind: 'purged'; readonly found: StoredOperation; readonly rewritten: number }
  | { readonly kind: 'absent' }
  /** It is hot: purging is an override of its record. Copies in cold storage are left from earlier. */
  | { readonly kind: 'hot'; readonly found: StoredOperation }
  | { readonly kind: 'refused'; readonly why: string };

/** How far the clocks of the store and of cold storage may be apart. */
const SKEW_MS = 86_400_000;
const MAX_ROUNDS = 10;

/**
 * Erases the payload of an archived operation. Its stub is signed first, and from then on nobody is given
 * the payload. Then every object of its shard that holds a copy of it, an ignored one too, is written
 * anew without it, the stubs that point there are moved, and the old object is deleted, until none holds it.
 * Asked again, it goes on where it was broken off; several at once are fine. Reads the objects of one
 * shard: it is for the rare request.
 *
 * Needs the right to delete objects. Refused, with nothing done, while a retention lock is on one of them.
 */
export async function purgeArchived(
  runtime: Runtime,
  cold: ColdStorage,
  { namespace, token, ...by }: { namespace: Namespace; token: Token } & RestoredBy,
): Promise<ColdPurgeAnswer> {
  const { store } = runtime;
  const found = await store.get(namespace, token);
  if (!found) return { kind: 'absent' };
  const { record } = found;
  if (record.status !== 'archived') return { kind: 'hot', found };
  // Until then another run may still write stubs that point to an object with this operation in it, which
  // must not go. It read the operation before that became a stub: so the stub's age bounds the run's,
  // however old the object is.
  if (store.now() - archivedAt(record) < SETTLED_AFTER_MS) {
    return { kind: 'refused', why: 'It was archived within the last hour. Purge it after that.' };
  }

  // An object's content never changes: none is read twice.
  const without = new Set<string>();
  const copies = await copiesOf(cold, record, without);
  const why =
    (await whyNotErasable({ store, cold }, record)) ?? (await whyKept({ store, cold }, copies));
  if (why !== undefined) return { kind: 'refused', why };
  if (!isSigned(record) && !(await sign(runtime, { ...found, record }, by))) return CHANGED;
  return eraseCopies(runtime, cold, record, copies, without);
}

const CHANGED: ColdPurgeAnswer = {
  kind: 'refused',
  why: 'It has changed since it was looked at.',
};

/** As a stub. What was purged while it was hot carries that signature into its stub. */
function isSigned(stub: ArchivedRecord): boolean {
  const { override } = stub;
  return override?.verb === 'purge' && override.at >= archivedAt(stub);
}

/** `false`: more than its pointer has changed, which another purge may move at any time. */
async function sign(
  { store }: Runtime,
  first: StoredOperation<ArchivedRecord>,
  by: RestoredBy,
): Promise<boolean> {
  const { namespace, token, fence } = first.record;
  let stub = first;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const signed = await store.purgeStub(stub, by);
    if (signed.kind === 'settled') return true;
    const found = await store.get(namespace, token);
    if (found?.record.status !== 'archived' || found.record.fence !== fence) return false;
    stub = { ...found, record: found.record };
  }
  return false;
}

/** What tells an operation's copies: a hot one points to none. */
type Settled = Pick<ArchivedRecord, 'namespace' | 'token' | 'shard' | 'completedAt'> &
  Partial<Pick<ArchivedRecord, 'pointer'>>;

interface Copy {
  readonly entry: ColdEntry;
  readonly record: HotRecord;
}

/**
 * Objects that still hold the operation's payload. No copy is older than the operation's end. Adds those
 * that don't to `without`, and passes over what is in it.
 */
export async function copiesOf(
  cold: ColdStorage,
  stub: Settled,
  without: Set<string>,
): Promise<Copy[]> {
  const copies: Copy[] = [];
  for await (const entry of cold.list(shardFolder(stub.shard))) {
    if (without.has(entry.name) || isOlder(entry, stub)) continue;
    const line = (await linesIn(cold, entry.name))?.find((each) => isOf(each, stub));
    const record = line && recordOf(line);
    if (record && holdsPayload(record)) copies.push({ entry, record });
    else without.add(entry.name);
  }
  return copies;
}

/** Written before the operation ended, for certain: never what its stub points to, whatever clocks say. */
function isOlder({ name, storedAt }: ColdEntry, { pointer, completedAt }: Settled): boolean {
  if (pointer && batchOf(name) === batchOf(pointer.object)) return false;
  return storedAt > 0 && storedAt < completedAt - SKEW_MS;
}

function isOf(line: ArchivedLine, { namespace, token }: Settled): boolean {
  return line.token === token && line.namespace === namespace;
}

export async function whyKept(
  places: Pick<Runtime, 'store' | 'cold'>,
  copies: readonly Copy[],
): Promise<string | undefined> {
  for (const { entry, record } of copies) {
    const why = whyLocked(entry, places.store.now()) ?? (await whyNotErasable(places, record));
    if (why !== undefined) return why;
  }
  return undefined;
}

async function eraseCopies(
  { store, blobs }: Runtime,
  cold: ColdStorage,
  stub: ArchivedRecord,
  first: readonly Copy[],
  without: Set<string>,
): Promise<ColdPurgeAnswer> {
  const { namespace, token } = stub;
  await erasePayload({ blobs, cold }, stub);
  await purgeFromWorkflow({ store, blobs }, stub);
  let copies = first;
  let rewritten = 0;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    for (const { entry, record } of copies) {
      await erasePayload({ blobs, cold }, record);
      // Where it is gone, another purge wrote it anew, maybe with the payload: that is listed next.
      if (await rewriteWithout({ store }, cold, entry.name, stub)) rewritten += 1;
    }
    copies = await copiesOf(cold, stub, without);
    const found = await store.get(namespace, token);
    if (!found) return { kind: 'absent' };
    const { record } = found;
    // Restored meanwhile: its copies may be an archiver's again.
    if (record.status !== 'archived' || archivedAt(record) !== archivedAt(stub)) return CHANGED;
    if (copies.length === 0) return { kind: 'purged', found, rewritten };
  }
  throw new Error(
    `${shownToken(token)} is signed as purged, but objects with its payload kept coming. Purge again.`,
  );
}
