import { randomUUID } from 'node:crypto';
import { firestoreDocuments } from '../../functions/src/adapters/firestore/documents.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import { workflowContract } from './workflow.contract.ts';
import { sharedFirestore } from '../support/firestore.ts';

const firestore = sharedFirestore();

workflowContract({
  name: 'firestore',
  async open() {
    const own = randomUUID();
    return firestoreDocuments(firestore(), systemClock, {
      operations: `operations-${own}`,
      workflows: `workflows-${own}`,
    });
  },
});
