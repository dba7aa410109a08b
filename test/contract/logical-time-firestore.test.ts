import { randomUUID } from 'node:crypto';
import { firestoreLogicalTime } from '../../functions/src/adapters/firestore/logical-time.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { logicalTimeContract } from './logical-time.contract.ts';
import { sharedFirestore } from '../support/firestore.ts';

const firestore = sharedFirestore();

logicalTimeContract({
  name: 'firestore',
  async open() {
    const store = firestoreLogicalTime(firestore(), {
      clock: systemClock,
      random: seededRandom(3),
      collection: `times-${randomUUID()}`,
    });
    return { ...store, close: async () => {} };
  },
});
