import type { ArchivePointer, StoredOperation } from '../operation/record.ts';
import type { ColdStorage } from '../ports/cold-storage.ts';
import { archiveLine } from '../retention/archive-line.ts';
import { BATCH_STALE_MS, batchName, whyKept } from '../retention/archive-plan.ts';
import type { WhyKept } from '../retention/archive-plan.ts';
import { documentId } from '../token/token.ts';
import { openBatch } from './archive-batch.ts';
import { blobOf, moveBlobBack } from './archive-blobs.ts';
import { copyBatch } from './archive-copy.ts';
import type { Hot } from './archive-copy.ts';
import { inLanes } from './archive-lanes.ts';
import { ARCHIVE_LANES, PAGE_OPERATIONS } from './archive-pace.ts';
import type { Runtime } from './runtime.ts';

export interface ArchiveOptions {
  readonly shard: number;
  /** Store time: what expired later is left to a later run, so that every run ends. */
  readonly until: number;
  /** Where an earlier run of the same shard stopped. */
  readonly after?: string;
  /** After so long nothing more is taken on; the batch in hand is finished. */
  readonly budgetMs: number;
  /** At most so many records are written at once. */
  readonly lanes?: number;
  /** Look only: nothing is written anywhere. */
  readonly dryRun?: boolean;
  /** Told after each batch, also where it failed in the midst. */
  readonly progress?: (report: ArchiveReport) => void;
  readonly signal?: AbortSignal;
}

/**
 * They stay as they are, and their copies are ignored. `touched`: changed between the copy and the stub.
 * `unmovable`: its payload could not be moved. `stale`: its batch was in hand for too long. `archived`:
 * the stub stood there already, as another run of the shard writes it.
 */
export type Stays = WhyKept | 'touched' | 'unmovable' | 'stale';

export interface ArchiveReport {
  readonly moved: number;
  readonly kept: Readonly<Partial<Record<Stays, number>>>;
  readonly objects: number;
  /** As stored, compressed. */
  readonly bytes: number;
  readonly blobs: number;
  /** Where to go on; absent where the shard is done. */
  readonly next?: string;
}

export type Archiver = Pick<Runtime, 'store' | 'blobs' | 'clock' | 'telemetry'>;

/**
 * Moves the expired operations of one shard to cold storage, a batch at a time: copy, verify, then a
 * stub in place of each record, conditional on the revision that was copied. Safe to be killed anywhere
 * and to run twice at once: what is not stubbed is hot, and a copy that no stub points to is ignored.
 *
 * What can't be moved stays hot and holds up no other, and is an ERROR in the log.
 *
 * @throws where the store or cold storage gave no answer; the next run goes on
 */
export async function archiveShard(
  runtime: Archiver,
  cold: ColdStorage,
  options: ArchiveOptions,
): Promise<ArchiveReport> {
  const { store, clock } = runtime;
  const { shard, until, budgetMs, dryRun = false, lanes = ARCHIVE_LANES } = options;
  const startedAt = clock.monotonic();
  const done = { moved: 0, objects: 0, bytes: 0, blobs: 0 };
  const kept: Partial<Record<Stays, number>> = {};
  const nameOf = (sha256: string) => batchName(shard, sha256);
  let batch = openBatch<Hot>(nameOf);
  let pageReadAt = 0;
  /** From when on what is in the batch was read. */
  let readSince = 0;
  let next = options.after;
  let more = true;

  while (more && mayGoOn()) {
    const page = { limit: PAGE_OPERATIONS, ...(next !== undefined && { after: next }) };
    pageReadAt = clock.now();
    const { operations, next: following } = await store.expired(shard, page);
    for (const operation of operations) {
      if (expiryOf(operation) > until) {
        more = false;
        break;
      }
      await take(operation);
    }
    more &&= following !== undefined;
    next = following ?? next;
  }
  await flush();
  return { ...report(), ...(more && next !== undefined && { next }) };

  function mayGoOn(): boolean {
    return clock.monotonic() - startedAt < budgetMs && options.signal?.aborted !== true;
  }

  async function take(operation: StoredOperation): Promise<void> {
    const why = whyKept(operation.record, store.now());
    if (why) return count(why);
    const hot = operation as Hot;
    const id = documentId(hot.record.namespace, hot.record.token);
    if (batch.refuses(id)) await flush();
    if (batch.size() === 0) readSince = pageReadAt;
    batch.add(id, archiveLine(hot), hot);
  }

  async function flush(): Promise<void> {
    if (batch.size() === 0) return;
    const closed = batch.close();
    batch = openBatch(nameOf);
    const movable = dryRun ? closed.entries : await copyBatch(runtime, cold, closed);
    count('unmovable', closed.entries.length - movable.length);
    if (movable.length > 0) {
      done.objects += 1;
      done.bytes += closed.object.bytes.length;
    }
    try {
      await inLanes(movable, lanes, ({ of, pointer }) => settle(of, pointer));
    } finally {
      options.progress?.(report());
    }
  }

  async function settle(operation: Hot, pointer: ArchivePointer): Promise<void> {
    if (clock.now() - readSince > BATCH_STALE_MS) return stay(operation, 'stale');
    const answer = dryRun ? undefined : await store.archive(operation, pointer);
    if (answer?.kind === 'lost') return stay(operation, 'touched');
    if (answer?.standing) return count('archived');
    done.moved += 1;
    if (blobOf(operation.record) !== undefined) done.blobs += 1;
  }

  /** Its blob was moved ahead of it. */
  async function stay({ record }: Hot, why: Stays): Promise<void> {
    if (!dryRun) await moveBlobBack(runtime, record);
    count(why);
  }

  function count(why: Stays, operations = 1): void {
    if (operations > 0) kept[why] = (kept[why] ?? 0) + operations;
  }

  function report(): ArchiveReport {
    return { ...done, kept: { ...kept } };
  }
}

function expiryOf({ record }: StoredOperation): number {
  return 'expireAt' in record ? record.expireAt : 0;
}
