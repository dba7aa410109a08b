import { firestoreAuditLog } from '../../../functions/src/adapters/firestore/audit-log.ts';
import type { FirestoreConnection } from '../../../functions/src/adapters/firestore/connect.ts';
import { firestoreEvents } from '../../../functions/src/adapters/firestore/events.ts';
import { firestoreLogicalTime } from '../../../functions/src/adapters/firestore/logical-time.ts';
import { firestoreState } from '../../../functions/src/adapters/firestore/state.ts';
import { firestoreStore } from '../../../functions/src/adapters/firestore/store.ts';
import { systemClock } from '../../../functions/src/adapters/system/clock.ts';
import type { TokenStore } from '../../../functions/src/ports/token-store.ts';
import { serveApi } from './service.ts';
import type { ApiSetup, ServedApi } from './service.ts';

/** The service over real HTTP, everything in Firestore. The connection stays the caller's to close. */
export function serveOnFirestore(
  connection: FirestoreConnection,
  wrap: (store: TokenStore) => TokenStore = (store) => store,
  runtime: ApiSetup['runtime'] = {},
): Promise<ServedApi> {
  const stay = { close: async () => {} };
  const { firestore } = connection;
  const time = firestoreLogicalTime(firestore, { clock: systemClock, random: Math.random });
  return serveApi({
    store: wrap({ ...firestoreStore(connection, systemClock), ...stay }),
    audit: { ...firestoreAuditLog(firestore), ...stay },
    runtime,
    service: {
      state: { ...firestoreState(firestore), ...stay },
      events: { ...firestoreEvents(firestore), ...stay },
      time: { ...time, ...stay },
    },
  });
}
