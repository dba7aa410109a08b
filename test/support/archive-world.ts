import { archiveShard } from '../../functions/src/engine/archive-shard.ts';
import type {
  Archiver,
  ArchiveOptions,
  ArchiveReport,
} from '../../functions/src/engine/archive-shard.ts';
import { blobsOverCold } from '../../functions/src/engine/archive-blobs.ts';
import { exportArchive } from '../../functions/src/engine/export-archive.ts';
import { packValue, unpackValue } from '../../functions/src/engine/payload.ts';
import { readCold } from '../../functions/src/engine/read-cold.ts';
import type { Runtime } from '../../functions/src/engine/runtime.ts';
import { warmCache } from '../../functions/src/engine/warm-cache.ts';
import type { OperationRecord } from '../../functions/src/operation/record.ts';
import type { ColdStorage } from '../../functions/src/ports/cold-storage.ts';
import type { OperationDocuments } from '../../functions/src/ports/operation-documents.ts';
import { createTokenStore } from '../../functions/src/store/token-store.ts';
import { memoryDocuments } from '../../functions/src/testing/memory-documents.ts';
import type { ArchivedLine } from '../../functions/src/retention/archive-line.ts';
import { keyToken } from '../../functions/src/token/token.ts';
import type { Namespace, Token } from '../../functions/src/token/token.ts';
import { memoryCold } from './cold-memory.ts';
import { engineRuntime, memoryBlobs } from './engine-runtime.ts';
import { claimRequest, RETENTION } from './operation-records.ts';
import { settableClock } from './settable-clock.ts';

export const SHOP = 'shop' as Namespace;
export const LIFE = { ...RETENTION, ttlMs: 10_000, capMs: 40_000 };
export const BY = { actor: 'ops@example.com', reason: 'audit 12' };

/** How a process reaches what it works with; the same, unless a test comes in between. */
export interface Reach {
  documents?(real: OperationDocuments): OperationDocuments;
  cold?(real: ColdStorage): ColdStorage;
}

/** One shard in memory, with cold storage, and time that is moved by hand. */
export function archiveWorld() {
  const clock = settableClock();
  const documents = memoryDocuments(() => clock.now());
  const coldMemory = memoryCold(() => clock.now());
  const hotBlobs = memoryBlobs();
  const { cold } = coldMemory;

  /** A process of its own: nothing is shared but the stores. */
  function runtimeOf(reach: Reach = {}): Runtime & { readonly cold: ColdStorage } {
    const reached = reach.cold?.(cold) ?? cold;
    const store = createTokenStore(reach.documents?.(documents) ?? documents, { shards: 1 });
    return {
      ...engineRuntime(store, { clock, cache: warmCache(clock) }),
      blobs: blobsOverCold(hotBlobs.blobs, reached),
      cold: reached,
    };
  }

  const runtime = runtimeOf();
  const { store } = runtime;

  async function complete(token: Token, result: unknown, facts: object = {}): Promise<Token> {
    const madeAt = Math.floor(clock.now());
    const request = claimRequest({ token, root: token, madeAt, retention: LIFE, ...facts });
    const answer = await store.claim({ ...request, claimId: `claim ${token}` });
    if (answer.kind !== 'claimed') throw new Error(`Not claimed: ${answer.kind}`);
    await store.complete(answer.claim, {
      result: await packValue(result, hotBlobs.blobs, answer.claim),
    });
    return token;
  }

  return {
    clock,
    documents,
    ...coldMemory,
    hotBlobs,
    runtime,
    runtimeOf,
    store,
    complete,
    /** Settled operations with results of their own; expired once {@link LIFE} has passed. */
    async completed(count: number, result: (index: number) => unknown = (index) => ({ index })) {
      const tokens = Array.from({ length: count }, (_, index) => keyToken(SHOP, `old-${index}`));
      for (const [index, token] of tokens.entries()) await complete(token, result(index));
      return tokens;
    },
    expire: () => clock.advance(LIFE.ttlMs + 1),
    archive: (
      by: Archiver & { cold: ColdStorage } = runtime,
      options: Partial<ArchiveOptions> = {},
    ): Promise<ArchiveReport> =>
      archiveShard(by, by.cold, { shard: 0, until: Infinity, budgetMs: Infinity, ...options }),
    record: async (token: Token): Promise<OperationRecord> => {
      const found = await store.get(SHOP, token);
      if (!found) throw new Error('Nothing stands under the token.');
      return found.record;
    },
    /** What somebody who asks for the result is given, hot or archived. */
    async answer(token: Token): Promise<unknown> {
      const found = await store.get(SHOP, token);
      const { record } = found!;
      const settled = record.status === 'archived' ? await readCold(runtime, record) : record;
      if (settled.status !== 'completed') throw new Error(`It is ${settled.status}.`);
      return unpackValue(settled.result, runtime.blobs);
    },
    async exported(namespace: Namespace = SHOP): Promise<ArchivedLine[]> {
      const lines: ArchivedLine[] = [];
      for await (const line of exportArchive(runtime, cold, namespace)) lines.push(line);
      return lines;
    },
  };
}

export type ArchiveWorld = ReturnType<typeof archiveWorld>;
