import type { ArchivedRecord, ArchivePointer } from '../operation/record.ts';
import type { ColdStorage } from '../ports/cold-storage.ts';
import type { SettleAnswer } from '../ports/token-store.ts';
import { archiveLine, recordOf } from '../retention/archive-line.ts';
import type { ArchivedLine } from '../retention/archive-line.ts';
import type { HotRecord } from '../retention/archive-plan.ts';
import { isEarlierVersion, nextVersionName } from '../retention/archive-plan.ts';
import { erasedRecord, isPurged, purgedRecord } from '../retention/purged.ts';
import { documentId, shownToken } from '../token/token.ts';
import { openBatch } from './archive-batch.ts';
import type { ClosedBatch } from './archive-batch.ts';
import { linesIn } from './cold-lines.ts';
import type { Runtime } from './runtime.ts';

const MAX_ROUNDS = 5;
const LOOKED_UP_AT_ONCE = 100;

type Store = Pick<Runtime, 'store'>;

/**
 * Puts the next version of an object in its place, without the payload of one operation: the new object,
 * then the stubs, then the old object's end. `false`: it was gone, and nothing was put.
 *
 * Others may do the same at once. Stubs only move to later versions, and before a version is deleted each of
 * its stubs is at a later one: so none is ever moved to what is gone. And whoever puts an object looks at
 * its stubs after that: where one was signed as purged meanwhile, its payload is taken out as well, since
 * that purge may have looked for copies before.
 */
export async function rewriteWithout(
  runtime: Store,
  cold: ColdStorage,
  name: string,
  purged: Pick<ArchivedRecord, 'namespace' | 'token'>,
): Promise<boolean> {
  const erase = new Map([[idOf(purged), erasedRecord]]);
  let old = name;
  for (;;) {
    const lines = await linesIn(cold, old);
    if (!lines || lines.length === 0) return old !== name;
    const { object, entries } = nextVersion(old, lines, erase);
    await cold.put(object);
    const late = await moveStubs(runtime, entries);
    if ((await cold.delete(old)) === 'locked') {
      throw new Error(
        `A retention lock came on ${old} meanwhile. Its stubs point to ${object.name}.`,
      );
    }
    if (late.length === 0) return true;
    // Where its bytes were spilled to stays known, for the purge that is to erase them.
    for (const line of late) erase.set(idOf(line), purgedRecord);
    old = object.name;
  }
}

function nextVersion(
  old: string,
  lines: readonly ArchivedLine[],
  erase: ReadonlyMap<string, (record: HotRecord) => HotRecord>,
): ClosedBatch<ArchivedLine> {
  const batch = openBatch<ArchivedLine>((sha256) => nextVersionName(old, sha256));
  for (const line of lines) {
    const id = idOf(line);
    const record = recordOf(line);
    const kept = erase.get(id)?.(record) ?? record;
    const { archive, createdAt } = line;
    batch.add(id, archiveLine({ record: kept, createdAt }), { archive, createdAt, ...kept });
  }
  return batch.close();
}

/** Those of the lines with a payload whose operation is signed as purged. */
async function moveStubs(
  runtime: Store,
  entries: ClosedBatch<ArchivedLine>['entries'],
): Promise<ArchivedLine[]> {
  const late: ArchivedLine[] = [];
  for (let from = 0; from < entries.length; from += LOOKED_UP_AT_ONCE) {
    const chunk = entries.slice(from, from + LOOKED_UP_AT_ONCE);
    await Promise.all(
      chunk.map(async ({ of, pointer }) => {
        const signed = await moveStub(runtime, of, pointer);
        if (signed && !isPurged(recordOf(of))) late.push(of);
      }),
    );
  }
  return late;
}

/**
 * Moves a stub that points to an earlier version; a restored or forgotten operation has none. Whether the
 * operation is signed as purged.
 */
async function moveStub(
  { store }: Store,
  { namespace, token }: ArchivedLine,
  pointer: ArchivePointer,
): Promise<boolean> {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const found = await store.get(namespace, token);
    const signed = found?.record.override?.verb === 'purge';
    if (found?.record.status !== 'archived') return signed;
    if (!isEarlierVersion(found.record.pointer.object, pointer.object)) return signed;
    const answer: SettleAnswer = await store.repoint({ ...found, record: found.record }, pointer);
    if (answer.kind === 'settled') return signed;
  }
  throw new Error(`${shownToken(token)} kept changing while its copy was moved. Purge again.`);
}

function idOf({ namespace, token }: Pick<ArchivedRecord, 'namespace' | 'token'>): string {
  return documentId(namespace, token);
}
