import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { embeddedEvents } from '../../functions/src/adapters/embedded/events.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { settableClock } from '../support/settable-clock.ts';
import { eventLogContract } from './event-log.contract.ts';

eventLogContract({
  name: 'embedded, in memory',
  longReplay: 10_000,
  open: async () => embeddedEvents(':memory:', settableClock()),
});

eventLogContract({
  name: 'embedded, on a file',
  longReplay: 10_000,
  async open() {
    const folder = await scratchFolder();
    const log = embeddedEvents(join(folder, 'events.db'), settableClock());
    return {
      ...log,
      async close() {
        await log.close();
        await rm(folder, { recursive: true });
      },
    };
  },
});
