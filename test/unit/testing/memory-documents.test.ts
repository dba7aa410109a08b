import { settableClock } from '../../../functions/src/testing/index.ts';
import { memoryDocuments } from '../../../functions/src/testing/memory-documents.ts';
import { tokenStoreContract } from '../../contract/token-store.contract.ts';

tokenStoreContract({
  name: 'memory',
  async open() {
    const clock = settableClock();
    const documents = memoryDocuments(() => clock.now());
    return { documents, advance: (ms) => clock.advance(ms), close: () => documents.close() };
  },
});
