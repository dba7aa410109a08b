import { FieldPath } from '@google-cloud/firestore';
import type { DocumentSnapshot, Firestore } from '@google-cloud/firestore';
import { AUDIT_COLLECTION } from '../../names.ts';
import { auditEntryId } from '../../operation/audit.ts';
import type { AuditEntry, AuditLog } from '../../ports/audit-log.ts';
import { refusedOrAway } from './conditions.ts';
import { pageOf } from './queries.ts';

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

    async read(namespace, token, page) {
      const query = interventions
        .where('namespace', '==', namespace)
        .where('token', '==', token)
        .orderBy('at')
        .orderBy(FieldPath.documentId());
      const position = (last: DocumentSnapshot) => [last.get('at'), last.id];
      const { docs, readTime: _, ...next } = await pageOf({ query, position }, page);
      return { entries: docs.map((document) => document.data() as AuditEntry), ...next };
    },

    close: () => firestore.terminate(),
  };
}
