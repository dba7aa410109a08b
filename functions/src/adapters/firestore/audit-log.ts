import { FieldPath } from '@google-cloud/firestore';
import type { Firestore } from '@google-cloud/firestore';
import { AUDIT_COLLECTION } from '../../names.ts';
import { auditEntryId } from '../../operation/audit.ts';
import type { AuditEntry, AuditLog } from '../../ports/audit-log.ts';
import { refusedOrAway, rethrowAway } from './conditions.ts';

/**
 * Interventions as Firestore documents, one each, that are only ever created. Reading them needs the
 * composite index (namespace, token, at), all ascending.
 */
export function firestoreAuditLog(
  firestore: Firestore,
  collection: string = AUDIT_COLLECTION,
): AuditLog {
  const interventions = firestore.collection(collection);

  return {
    async append(entry) {
      // Refused: it is there already.
      await interventions
        .doc(auditEntryId(entry))
        .create({ ...entry })
        .catch(refusedOrAway);
    },

    async read(namespace, token, { limit, after }) {
      const query = interventions
        .where('namespace', '==', namespace)
        .where('token', '==', token)
        .orderBy('at')
        .orderBy(FieldPath.documentId());
      const paged =
        after === undefined ? query : query.startAfter(...(JSON.parse(after) as unknown[]));
      const { docs } = await paged.limit(limit).get().catch(rethrowAway);
      const entries = docs.map((document) => document.data() as AuditEntry);
      const last = docs.at(-1);
      if (docs.length < limit || !last) return { entries };
      return { entries, next: JSON.stringify([last.get('at'), last.id]) };
    },

    close: () => firestore.terminate(),
  };
}
