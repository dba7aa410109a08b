import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { firestoreDocuments } from '../../functions/src/adapters/firestore/documents.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import { tokenStoreContract } from './token-store.contract.ts';
import { sharedConnection } from '../support/firestore.ts';

const connection = sharedConnection();

tokenStoreContract({
  name: 'firestore',
  async open() {
    const own = randomUUID();
    const collections = { operations: `operations-${own}`, workflows: `workflows-${own}` };
    const documents = firestoreDocuments(connection(), systemClock, collections);
    return {
      documents,
      async advance(ms) {
        const until = documents.now() + ms;
        while (documents.now() < until) await delay(until - documents.now());
      },
      close: async () => {},
    };
  },
});
