import { embeddedDocuments } from '../../functions/src/adapters/embedded/documents.ts';
import { settableClock } from '../support/settable-clock.ts';
import { tokenStoreContract } from './token-store.contract.ts';

tokenStoreContract({
  name: 'embedded, in memory',
  async open() {
    const clock = settableClock();
    const documents = embeddedDocuments(':memory:', clock);
    return {
      documents,
      advance: async (ms) => clock.advance(ms),
      close: () => documents.close(),
    };
  },
});
