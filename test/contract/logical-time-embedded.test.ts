import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { embeddedLogicalTime } from '../../functions/src/adapters/embedded/logical-time.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { logicalTimeContract } from './logical-time.contract.ts';

logicalTimeContract({
  name: 'embedded, in memory',
  open: async () => embeddedLogicalTime(':memory:'),
});

logicalTimeContract({
  name: 'embedded, on a file',
  async open() {
    const folder = await scratchFolder();
    const store = embeddedLogicalTime(join(folder, 'times.db'));
    return {
      ...store,
      async close() {
        await store.close();
        await rm(folder, { recursive: true });
      },
    };
  },
});
