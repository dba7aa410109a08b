import { recordedError } from '../operation/errors.ts';
import type { ArchivePointer, StoredOperation } from '../operation/record.ts';
import type { ColdStorage } from '../ports/cold-storage.ts';
import { archiveLine } from '../retention/archive-line.ts';
import { BATCH_STALE_MS, batchName, whyKept } from '../retention/archive-plan.ts';
import type { HotRecord, WhyKept } from '../retention/archive-plan.ts';
import { documentId, shownToken } from '../token/token.ts';
import { openBatch } from './archive-batch.ts';
import type { ClosedBatch } from './archive-batch.ts';
import { blobOf, moveBlob } from './archive-blobs.ts';
import { inLanes } from './archive-lanes.ts';
import { ARCHIVE_LANES, BLOB_LANES, pageSizes } from './archive-pace.ts';
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
  /** Told after each batch. */
  readonly progress?: (report: ArchiveReport) => void;
  readonly signal?: AbortSignal;
}

/**
 * They stay hot, and their copies are ignored. `touched`: changed between the copy and the stub.
 * `unmovable`: what its payload was spilled to could not be moved. `stale`: its batch was in hand for too long.
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

type Hot = StoredOperation<HotRecord>;

export type Archiver = Pick<Runtime, 'store' | 'blobs' | 'clock' | 'telemetry'>;

/**
 * Moves the expired operations of one shard to cold storage, a batch at a time: copy, verify, then a
 * stub in place of each record, conditional on the revision that was copied. Safe to be killed anywhere
 * and to run twice at once: what is not stubbed is hot, and a copy that no stub points to is ignored.
 *
 * A blob that can't be moved keeps its own operation hot and no other, and is an ERROR in the log.
 *
 * @throws where the store or cold storage gave no answer; the next run goes on
 */
export async function archiveShard(
  { store, blobs, clock, telemetry }: Archiver,
  cold: ColdStorage,
  options: ArchiveOptions,
): Promise<ArchiveReport> {
  const { shard, until, budgetMs, dryRun = false, lanes = ARCHIVE_LANES } = options;
  const startedAt = clock.monotonic();
  const done = { moved: 0, objects: 0, bytes: 0, blobs: 0 };
  const kept: Partial<Record<Stays, number>> = {};
  const pages = pageSizes();
  const nameOf = (sha256: string) => batchName(shard, sha256);
  let batch = openBatch<Hot>(nameOf);
  let pageReadAt = 0;
  /** From when on what is in the batch was read. */
  let readSince = 0;
  let next = options.after;
  let more = true;

  while (more && mayGoOn()) {
    const page = { limit: pages.next(), ...(next !== undefined && { after: next }) };
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
    const line = archiveLine(hot);
    pages.saw(line.length);
    batch.add(id, line, hot);
  }

  async function flush(): Promise<void> {
    if (batch.size() === 0) return;
    const closed = batch.close();
    batch = openBatch(nameOf);
    const unmovable = dryRun ? NONE : await copy(closed);
    done.objects += 1;
    done.bytes += closed.object.bytes.length;
    const movable = closed.entries.filter(({ of }) => !unmovable.has(of));
    await inLanes(movable, lanes, ({ of, pointer }) => settle(of, pointer));
    options.progress?.(report());
  }

  /** Answers which operations' payloads could not be moved. */
  async function copy({ object, entries }: ClosedBatch<Hot>): Promise<ReadonlySet<Hot>> {
    const unmovable = new Set<Hot>();
    await inLanes(entries, BLOB_LANES, async ({ of }) => {
      const name = blobOf(of.record);
      if (name === undefined) return;
      await moveBlob(blobs, cold, name).catch((error: unknown) => {
        unmovable.add(of);
        count('unmovable');
        notMoved(telemetry, of, error);
      });
    });
    await cold.put(object);
    return unmovable;
  }

  async function settle(operation: Hot, pointer: ArchivePointer): Promise<void> {
    if (clock.now() - readSince > BATCH_STALE_MS) return count('stale');
    const answer = dryRun ? undefined : await store.archive(operation, pointer);
    if (answer?.kind === 'lost') return count('touched');
    done.moved += 1;
    if (blobOf(operation.record) !== undefined) done.blobs += 1;
  }

  function count(why: Stays): void {
    kept[why] = (kept[why] ?? 0) + 1;
  }

  function report(): ArchiveReport {
    return { ...done, kept: { ...kept } };
  }
}

const NONE: ReadonlySet<Hot> = new Set();

function notMoved(telemetry: Archiver['telemetry'], { record }: Hot, error: unknown): void {
  const { namespace, token, action } = record;
  telemetry.event('ERROR', 'A large payload can not be moved to cold storage; it stays hot', {
    token: shownToken(token),
    namespace,
    action,
    error: recordedError(error).message,
  });
}

function expiryOf({ record }: StoredOperation): number {
  return 'expireAt' in record ? record.expireAt : 0;
}
