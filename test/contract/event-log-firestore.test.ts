import { randomUUID } from 'node:crypto';
import { firestoreEvents } from '../../functions/src/adapters/firestore/events.ts';
import { eventLogContract } from './event-log.contract.ts';
import { sharedFirestore } from '../support/firestore.ts';

const firestore = sharedFirestore();

eventLogContract({
  name: 'firestore',
  // The emulator takes seconds to page through ten thousand: those are in test/soak.
  longReplay: 1_000,
  async open() {
    const id = randomUUID();
    const log = firestoreEvents(firestore(), { events: `events-${id}`, snapshots: `snaps-${id}` });
    return { ...log, close: async () => {} };
  },
});
