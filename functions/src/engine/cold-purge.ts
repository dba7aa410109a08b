import { gunzipSync } from 'node:zlib';
import type { ArchivedRecord, ArchivePointer, StoredOperation } from '../operation/record.ts';
import type { ColdEntry, ColdStorage } from '../ports/cold-storage.ts';
import type { SettleAnswer } from '../ports/token-store.ts';
import { archiveLine, linesOf, parseArchiveLine, recordOf } from '../retention/archive-line.ts';
import type { ArchivedLine } from '../retention/archive-line.ts';
import { shardFolder } from '../retention/archive-plan.ts';
import { erasedRecord, holdsPayload } from '../retention/purged.ts';
import { documentId, shownToken } from '../token/token.ts';
import type { Namespace, Token } from '../token/token.ts';
import { openBatch } from './archive-batch.ts';
import { erasePayload } from './cold-erase.ts';
import type { RestoredBy } from './restore.ts';
import type { Runtime } from './runtime.ts';

export type ColdPurgeAnswer =
  /** Nowhere in cold storage is its payload any more; `rewritten` objects were written anew for that. */
  | { readonly kind: 'purged'; readonly found: StoredOperation; readonly rewritten: number }
  | { readonly kind: 'absent' }
  /** It is hot: purging is an override of its record. Copies in cold storage are left from earlier. */
  | { readonly kind: 'hot'; readonly found: StoredOperation }
  | { readonly kind: 'refused'; readonly why: string };

/**
 * No archiver works as long at one batch. A younger stub's batch may still be in the hands of another
 * run, which takes an object that stands for its own copy: that object must not go.
 */
const SETTLED_AFTER_MS = 3_600_000;
/** How far the clocks of the store and of cold storage may be apart. */
const SKEW_MS = 86_400_000;
const MAX_ROUNDS = 5;
const LOOKED_UP_AT_ONCE = 100;

/**
 * Erases the payload of an archived operation. Its stub is signed first, and from then on nobody is given
 * the payload. Then every object of its shard that holds a copy of it, an ignored one too, is written
 * anew without it, the stubs that point there are moved, and the old object is deleted. Asked again, it
 * goes on where it was broken off. Reads the objects of one shard: it is for the rare request.
 *
 * Needs the right to delete objects. Refused, with nothing done, while a retention lock is on one of them.
 */
export async function purgeArchived(
  runtime: Runtime,
  cold: ColdStorage,
  { namespace, token, ...by }: { namespace: Namespace; token: Token } & RestoredBy,
): Promise<ColdPurgeAnswer> {
  const { store, blobs } = runtime;
  const found = await store.get(namespace, token);
  if (!found) return { kind: 'absent' };
  const { record, updatedAt } = found;
  if (record.status !== 'archived') return { kind: 'hot', found };
  if (store.now() - updatedAt < SETTLED_AFTER_MS && record.override?.verb !== 'purge') {
    return { kind: 'refused', why: 'It was archived within the last hour. Purge it after that.' };
  }

  const copies = await copiesOf(cold, record);
  const locked = copies.find(({ entry }) => (entry.lockedUntil ?? 0) > store.now());
  if (locked) {
    const { lockedUntil = Infinity, name } = locked.entry;
    const until = Number.isFinite(lockedUntil) ? new Date(lockedUntil).toISOString() : 'lifted';
    return { kind: 'refused', why: `A retention lock keeps ${name} until ${until}.` };
  }
  if (record.override?.verb !== 'purge') {
    const signed = await store.purgeStub({ ...found, record }, by);
    if (signed.kind === 'lost') return CHANGED;
  }
  for (const { entry, line } of copies) {
    await erasePayload({ blobs, cold }, recordOf(line));
    await rewrite(runtime, cold, entry, record);
  }
  const purged = await store.get(namespace, token);
  if (!purged) return { kind: 'absent' };
  return { kind: 'purged', found: purged, rewritten: copies.length };
}

const CHANGED: ColdPurgeAnswer = {
  kind: 'refused',
  why: 'It has changed since it was looked at.',
};

interface Copy {
  readonly entry: ColdEntry;
  readonly line: ArchivedLine;
}

/** Objects that still hold the operation's payload. No copy is older than the operation's end. */
async function copiesOf(cold: ColdStorage, stub: ArchivedRecord): Promise<Copy[]> {
  const copies: Copy[] = [];
  for await (const entry of cold.list(shardFolder(stub.shard))) {
    if (entry.storedAt < stub.completedAt - SKEW_MS) continue;
    const line = (await linesIn(cold, entry.name)).find((each) => isOf(each, stub));
    if (line && holdsPayload(recordOf(line))) copies.push({ entry, line });
  }
  return copies;
}

async function linesIn(cold: ColdStorage, name: string): Promise<ArchivedLine[]> {
  const bytes = await cold.read(name);
  if (!bytes) return [];
  return linesOf(gunzipSync(bytes).toString()).map((line) => parseArchiveLine(line));
}

function isOf(line: ArchivedLine, { namespace, token }: ArchivedRecord): boolean {
  return line.token === token && line.namespace === namespace;
}

/** A new object without the payload, then the stubs, then the old object's end. */
async function rewrite(
  runtime: Runtime,
  cold: ColdStorage,
  { name }: ColdEntry,
  stub: ArchivedRecord,
): Promise<void> {
  const batch = openBatch<ArchivedLine>(stub.shard);
  for (const line of await linesIn(cold, name)) {
    const record = isOf(line, stub) ? erasedRecord(recordOf(line)) : recordOf(line);
    const id = documentId(line.namespace, line.token);
    batch.add(id, archiveLine({ record, createdAt: line.createdAt }), line);
  }
  const { object, entries } = batch.close();
  await cold.put(object);
  for (let from = 0; from < entries.length; from += LOOKED_UP_AT_ONCE) {
    const chunk = entries.slice(from, from + LOOKED_UP_AT_ONCE);
    await Promise.all(chunk.map(({ of, pointer }) => follow(runtime, of, name, pointer)));
  }
  if ((await cold.delete(name)) === 'locked') {
    throw new Error(
      `A retention lock came on ${name} meanwhile. Its stubs point to ${object.name}.`,
    );
  }
}

/** Moves a stub that points to the old object. A restored or forgotten operation has none. */
async function follow(
  { store }: Runtime,
  { namespace, token }: ArchivedLine,
  old: string,
  pointer: ArchivePointer,
): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const found = await store.get(namespace, token);
    if (found?.record.status !== 'archived' || found.record.pointer.object !== old) return;
    const answer: SettleAnswer = await store.repoint({ ...found, record: found.record }, pointer);
    if (answer.kind === 'settled') return;
  }
  throw new Error(`${shownToken(token)} kept changing while its copy was moved. Purge again.`);
}
