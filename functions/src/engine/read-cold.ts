import { gunzipSync } from 'node:zlib';
import type { ArchivedRecord, ArchivePointer } from '../operation/record.ts';
import { linesOf, parseArchiveLine, recordOf } from '../retention/archive-line.ts';
import type { ArchivedLine } from '../retention/archive-line.ts';
import type { HotRecord } from '../retention/archive-plan.ts';
import { purgedRecord } from '../retention/purged.ts';
import { countMiss } from './cold-miss.ts';
import { PayloadGone } from './payload.ts';
import type { Runtime } from './runtime.ts';

/** A member is small before compression, unless one operation fills it: then a record's size bounds it. */
const LARGEST_MEMBER_BYTES = 8 * 1024 * 1024;

type Cold = Pick<Runtime, 'store' | 'cold' | 'telemetry'>;

/**
 * The record that a stub stands for: one ranged read of at most 64 KiB, or of the operation's own size
 * where that alone is more.
 *
 * @throws {PayloadGone} where it can't be had: no cold storage here, deleted there, or damaged
 */
export async function readCold(runtime: Cold, stub: ArchivedRecord): Promise<HotRecord> {
  let looked = stub;
  for (;;) {
    const found = await readAt(runtime, looked);
    if (found) return found;
    // Restored or written anew since the stub was read, maybe from a cache, maybe once more by now.
    const standing = (await runtime.store.get(stub.namespace, stub.token))?.record;
    if (standing?.status === 'completed') return standing;
    if (standing?.status === 'failed' || standing?.status === 'cancelled') return standing;
    if (standing?.status !== 'archived') break;
    if (standing.pointer.object === looked.pointer.object) break;
    looked = standing;
  }
  countMiss(runtime, 'payload_deleted', { action: stub.action, class: stub.retention.name });
  throw new PayloadGone(
    `The payload is not in cold storage any more: ${looked.pointer.object} has been deleted.`,
  );
}

async function readAt({ cold }: Cold, stub: ArchivedRecord): Promise<HotRecord | undefined> {
  const { pointer } = stub;
  if (!cold) {
    throw new PayloadGone(
      `The payload rests in cold storage (${pointer.object}), and none is configured here.`,
    );
  }
  const member = await cold.read(pointer.object, pointer);
  if (!member) return undefined;
  const line = linesOfMember(member, pointer).find(
    (each) => each.token === stub.token && each.namespace === stub.namespace,
  );
  if (line) return unlessPurged(recordOf(line), stub);
  throw new PayloadGone(`The payload is not where it should be, in ${placeOf(pointer)}.`);
}

/** A purge holds from its signature on, also while the object is still to be written anew. */
export function unlessPurged(record: HotRecord, { override }: ArchivedRecord): HotRecord {
  if (override?.verb !== 'purge') return record;
  return purgedRecord(record);
}

function linesOfMember(member: Uint8Array, pointer: ArchivePointer): ArchivedLine[] {
  try {
    const text = gunzipSync(member, { maxOutputLength: LARGEST_MEMBER_BYTES }).toString();
    return linesOf(text).map((line) => parseArchiveLine(line));
  } catch (error) {
    throw new PayloadGone(
      `The payload can't be read: ${placeOf(pointer)} is damaged (${String(error)}).`,
    );
  }
}

function placeOf({ object, offset, length }: ArchivePointer): string {
  return `${object}, bytes ${offset} to ${offset + length - 1}`;
}
