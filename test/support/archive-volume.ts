import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { rm } from 'node:fs/promises';
import { fileCold } from '../../functions/src/adapters/filesystem/cold.ts';
import { firestoreDocuments } from '../../functions/src/adapters/firestore/documents.ts';
import { operationDocument } from '../../functions/src/adapters/firestore/operation-fields.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import { inLanes } from '../../functions/src/engine/archive-lanes.ts';
import { ARCHIVE_LANES, PAGE_OPERATIONS } from '../../functions/src/engine/archive-pace.ts';
import { archiveShard } from '../../functions/src/engine/archive-shard.ts';
import type { ArchiveReport } from '../../functions/src/engine/archive-shard.ts';
import { blobsOverCold } from '../../functions/src/engine/archive-blobs.ts';
import type { ColdStorage } from '../../functions/src/ports/cold-storage.ts';
import type { CompletedRecord } from '../../functions/src/operation/record.ts';
import type { OperationDocuments } from '../../functions/src/ports/operation-documents.ts';
import { BATCH_OPERATIONS } from '../../functions/src/retention/archive-plan.ts';
import { createTokenStore } from '../../functions/src/store/token-store.ts';
import { documentId, keyToken } from '../../functions/src/token/token.ts';
import type { Namespace, Token } from '../../functions/src/token/token.ts';
import { countedFirestore } from './counted-firestore.ts';
import type { RpcCounts } from './counted-firestore.ts';
import { memoryBlobs } from './engine-runtime.ts';
import { RECORDS } from './operation-records.ts';
import { readAhead } from './read-ahead.ts';
import { scratchFolder } from './scratch-folder.ts';

const SHOP = 'shop' as Namespace;
const SEEDED_AT_ONCE = 400;
/** As long as what an agent's step commonly returns. */
const RESULT = JSON.stringify({ id: 'ch_1', status: 'succeeded', note: 'x'.repeat(300) });

export interface Volume {
  /** Puts settled operations, long expired, into the store: `count` of them, in one shard. */
  seed(count: number): Promise<void>;
  /** One run of the archiver over all that is seeded; `pause` comes between its batches, off the clock. */
  archive(pause?: () => Promise<void>): Promise<Ran & { readonly report: ArchiveReport }>;
  /** The same pages and conditional writes for so many of the operations, and nothing else. */
  bareLoop(count: number): Promise<number>;
  close(): Promise<void>;
}

export interface Ran {
  readonly milliseconds: number;
  readonly calls: RpcCounts;
  /** Documents that the store gave back, and in how many pages. */
  readonly read: number;
  readonly pages: number;
  /** The most bytes that were alive at the end of a batch. */
  readonly peakBytes: number;
}

/** A Firestore of its own on the emulator, and cold storage in files. */
export async function archiveVolume(host: string): Promise<Volume> {
  const { connection, take } = countedFirestore(host);
  const { firestore } = connection;
  const documents = readAhead(firestoreDocuments(connection, systemClock), BATCH_OPERATIONS);
  const folder = await scratchFolder();
  const cold = fileCold(folder);
  let read = 0;
  let pages = 0;
  const counted: OperationDocuments = {
    ...documents,
    async select(...asked) {
      const page = await documents.select(...asked);
      read += page.found.length;
      pages += 1;
      return page;
    },
  };
  const store = createTokenStore(counted, { shards: 1 });
  await firestore.doc('warm/up').get();

  let position: string | undefined;

  return {
    async seed(count) {
      const all = tokens(count);
      const parts = Array.from({ length: Math.ceil(count / SEEDED_AT_ONCE) }, (_, part) =>
        all.slice(part * SEEDED_AT_ONCE, (part + 1) * SEEDED_AT_ONCE),
      );
      await inLanes(parts, 4, async (part) => {
        const batch = firestore.batch();
        for (const token of part) {
          const document = firestore.collection('operations').doc(documentId(SHOP, token));
          batch.set(document, operationDocument(settled(token)));
        }
        await batch.commit();
      });
    },
    async archive(pause = async () => {}) {
      let pausedMs = 0;
      let peakBytes = 0;
      const look = (): void => {
        peakBytes = Math.max(peakBytes, liveBytes());
      };
      const pausing: ColdStorage = {
        ...cold,
        async put(object) {
          const began = performance.now();
          await pause();
          pausedMs += performance.now() - began;
          return cold.put(object);
        },
      };
      const blobs = blobsOverCold(memoryBlobs().blobs, cold);
      const options = { shard: 0, until: Date.now(), budgetMs: Infinity, progress: look };
      take();
      read = 0;
      pages = 0;
      const began = performance.now();
      const telemetry = { decision() {}, event() {} };
      const archiver = { store, blobs, clock: systemClock, telemetry };
      const report = await archiveShard(archiver, pausing, options);
      const milliseconds = performance.now() - began - pausedMs;
      return { milliseconds, calls: take(), read, pages, peakBytes, report };
    },
    async bareLoop(count) {
      const began = performance.now();
      for (let left = count; left > 0; left -= PAGE_OPERATIONS) {
        const selection = { by: 'expired', shard: 0, before: Date.now() } as const;
        const limit = Math.min(left, PAGE_OPERATIONS);
        const page = { limit, ...(position !== undefined && { after: position }) };
        const { found, next } = await documents.select(selection, page);
        await inLanes(found, ARCHIVE_LANES, async ({ record, revision }) => {
          const id = documentId(record.namespace, record.token);
          await documents.update(id, revision, {
            status: 'archived',
            result: null,
            expireAt: null,
          });
        });
        position = next;
      }
      return performance.now() - began;
    },
    async close() {
      await connection.close();
      await rm(folder, { recursive: true });
    },
  };
}

function tokens(count: number): Token[] {
  return Array.from({ length: count }, (_, index) => keyToken(SHOP, `operation ${index}`));
}

function settled(token: Token): CompletedRecord {
  return { ...RECORDS.completed, token, root: token, result: { kind: 'inline', text: RESULT } };
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function liveBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
