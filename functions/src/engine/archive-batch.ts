import { hash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { ArchivePointer } from '../operation/record.ts';
import type { ColdObject } from '../ports/cold-storage.ts';
import { ARCHIVE_SCHEMA } from '../retention/archive-line.ts';
import { BATCH_BYTES, BATCH_OPERATIONS, MEMBER_BYTES } from '../retention/archive-plan.ts';

/** What a batch comes to, once nothing more is added. */
export interface ClosedBatch<Of> {
  readonly object: ColdObject;
  /** In the order added. */
  readonly entries: readonly { readonly of: Of; readonly pointer: ArchivePointer }[];
}

export interface OpenBatch<Of> {
  /** Adds one operation's line, under the id of its document: a batch holds each at most once. */
  add(id: string, line: string, of: Of): void;
  /** Whether a line under this id would be one too many. */
  refuses(id: string): boolean;
  size(): number;
  close(): ClosedBatch<Of>;
}

/**
 * Lines to be written as one object: gzip members one after the other, each of whole lines, so that one
 * operation is read by one range. Compressed as it grows: what waits is small. `nameOf` names the object
 * after its SHA-256.
 */
export function openBatch<Of>(nameOf: (sha256: string) => string): OpenBatch<Of> {
  const members: Buffer[] = [];
  const placed: { of: Of; member: number }[] = [];
  const ids = new Set<string>();
  let waiting = '';
  let waitingBytes = 0;
  let plainBytes = 0;

  function endMember(): void {
    if (waitingBytes === 0) return;
    members.push(gzipSync(waiting));
    waiting = '';
    waitingBytes = 0;
  }

  return {
    add(id, line, of) {
      const bytes = Buffer.byteLength(line);
      if (waitingBytes + bytes > MEMBER_BYTES) endMember();
      waiting += line;
      waitingBytes += bytes;
      plainBytes += bytes;
      ids.add(id);
      placed.push({ of, member: members.length });
    },
    refuses: (id) => placed.length >= BATCH_OPERATIONS || plainBytes >= BATCH_BYTES || ids.has(id),
    size: () => placed.length,
    close() {
      endMember();
      const bytes = Buffer.concat(members);
      const name = nameOf(hash('sha256', bytes, 'base64url'));
      const offsets = offsetsOf(members);
      return {
        object: { name, bytes, schema: ARCHIVE_SCHEMA, operations: placed.length },
        entries: placed.map(({ of, member }) => ({
          of,
          pointer: {
            object: name,
            offset: offsets[member] ?? 0,
            length: members[member]?.length ?? 0,
          },
        })),
      };
    },
  };
}

function offsetsOf(members: readonly Buffer[]): number[] {
  let offset = 0;
  return members.map(({ length }) => {
    offset += length;
    return offset - length;
  });
}
