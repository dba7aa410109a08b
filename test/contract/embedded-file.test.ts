import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { embeddedDocuments } from '../../functions/src/adapters/embedded/documents.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { settableClock } from '../support/settable-clock.ts';
import { tokenStoreContract } from './token-store.contract.ts';

const CLAIM_FROM_THREAD = new URL('../support/claim-from-thread.ts', import.meta.url);

tokenStoreContract({
  name: 'embedded, on a file',
  async open() {
    const folder = await scratchFolder();
    const clock = settableClock();
    const documents = embeddedDocuments(join(folder, 'store.db'), clock);
    return {
      documents,
      advance: async (ms) => clock.advance(ms),
      async close() {
        await documents.close();
        await rm(folder, { recursive: true });
      },
    };
  },
});

test('threads with connections of their own share a file: one winner for each token', async () => {
  const folder = await scratchFolder();
  const threads = await Promise.all(
    ['a', 'b', 'c', 'd'].map(async (thread) => {
      const workerData = { path: join(folder, 'store.db'), thread, tokens: 50 };
      const worker = new Worker(CLAIM_FROM_THREAD, { workerData });
      await once(worker, 'message');
      return worker;
    }),
  );
  const won = threads.map(async (worker): Promise<number[]> => {
    worker.postMessage('go');
    const [numbers] = await once(worker, 'message');
    await once(worker, 'exit');
    return numbers;
  });
  const numbers = (await Promise.all(won)).flat();
  expect(numbers.toSorted((a, b) => a - b)).toEqual([...Array(50).keys()]);
  await rm(folder, { recursive: true });
});
