import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { embeddedDocuments } from '../../functions/src/adapters/embedded/documents.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { settableClock } from '../support/settable-clock.ts';
import { tokenStoreContract } from './token-store.contract.ts';

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
