import { randomUUID } from 'node:crypto';
import { firestoreDocuments } from '../../functions/src/adapters/firestore/documents.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import { workflowContract } from './workflow.contract.ts';
import { sharedConnection } from '../support/firestore.ts';

const connection = sharedConnection();

workflowContract({
  name: 'firestore',
  async open() {
    const own = randomUUID();
    return firestoreDocuments(connection(), systemClock, {
      operations: `operations-${own}`,
      workflows: `workflows-${own}`,
    });
  },
});
