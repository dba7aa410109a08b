import type { Firestore, QueryDocumentSnapshot } from '@google-cloud/firestore';
import { EVENT_COLLECTIONS } from '../../names.ts';
import { StoreAway } from '../../operation/errors.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { Namespace, Token } from '../../token/token.ts';
import { eventDocumentId, foldDuplicates, snapshotDocumentId } from '../../workflow/event.ts';
import type { LoggedEvent, Snapshot, StoredEvent } from '../../workflow/event.ts';
import { refusedOrAway, rethrowAway } from './conditions.ts';
import { millisecondsOf } from './store-time.ts';
import { shownToken } from '../../token/token.ts';

/** How often a commit may be refused though the log holds none of its events. */
const MAX_IDLE_ROUNDS = 5;

/** Event logs as Firestore documents: one for each event, its id made from its token. */
export function firestoreEvents(
  firestore: Firestore,
  collections: Readonly<Record<keyof typeof EVENT_COLLECTIONS, string>> = EVENT_COLLECTIONS,
): EventLog {
  const events = firestore.collection(collections.events);
  const snapshots = firestore.collection(collections.snapshots);

  const documentOf = (namespace: Namespace, root: Token, token: Token) =>
    events.doc(eventDocumentId(namespace, root, token));
  const snapshotOf = (namespace: Namespace, root: Token, reducer: string) =>
    snapshots.doc(snapshotDocumentId(namespace, root, reducer));
  const inOrder = (namespace: Namespace, root: Token) =>
    events
      .where('namespace', '==', namespace)
      .where('root', '==', root)
      .orderBy('logicalTime')
      .orderBy('token');

  async function commit(
    namespace: Namespace,
    root: Token,
    fresh: readonly LoggedEvent[],
  ): Promise<boolean> {
    const batch = firestore.batch();
    for (const { logicalTime, token, type, schemaVersion, text } of fresh) {
      const document = { namespace, root, logicalTime, token, type, schemaVersion, text };
      batch.create(documentOf(namespace, root, token), document);
    }
    return (await batch.commit().catch(refusedOrAway)) !== 'refused';
  }

  /** Those that the log does not hold. */
  async function missing(
    namespace: Namespace,
    root: Token,
    asked: readonly LoggedEvent[],
  ): Promise<LoggedEvent[]> {
    const documents = asked.map(({ token }) => documentOf(namespace, root, token));
    // Without the fields: only whether they exist is asked.
    const found = await firestore.getAll(...documents, { fieldMask: [] }).catch(rethrowAway);
    return asked.filter((_, index) => found[index]?.exists === false);
  }

  return {
    /** A refusal means that some are there already; what is left is tried again for as long as it shrinks. */
    async append(namespace, root, appended) {
      let fresh = foldDuplicates(appended);
      let idle = 0;
      while (fresh.length > 0) {
        if (await commit(namespace, root, fresh)) {
          return { fresh: fresh.map(({ token }) => token) };
        }
        const left = await missing(namespace, root, fresh);
        if (left.length === fresh.length) idle += 1;
        if (idle === MAX_IDLE_ROUNDS) {
          throw new StoreAway(
            `Firestore refused ${idle} times to append to root ${shownToken(root)}, and did not say why. Append again.`,
          );
        }
        fresh = left;
      }
      return { fresh: [] };
    },

    async read(namespace, root, { limit, after }) {
      const ordered = inOrder(namespace, root);
      const query = after ? ordered.startAfter(after.logicalTime, after.token) : ordered;
      const { docs } = await query.limit(limit).get().catch(rethrowAway);
      const found = docs.map(storedEvent);
      const last = found.at(-1);
      if (found.length < limit || !last) return { events: found };
      return { events: found, next: { logicalTime: last.logicalTime, token: last.token } };
    },

    async saveSnapshot(namespace, root, reducer, snapshot) {
      const document = { namespace, root, reducer, ...snapshot };
      await snapshotOf(namespace, root, reducer).set(document).catch(rethrowAway);
    },

    /** Counting reads index entries, a thousand for the price of one document. */
    async loadSnapshot(namespace, root, reducer) {
      const kept = await snapshotOf(namespace, root, reducer).get().catch(rethrowAway);
      if (!kept.exists) return undefined;
      const { position, covered, text } = kept.data() as Snapshot;
      const upTo = inOrder(namespace, root).endAt(position.logicalTime, position.token);
      const counted = await upTo.count().get().catch(rethrowAway);
      return counted.data().count === covered ? { position, covered, text } : undefined;
    },

    close: () => firestore.terminate(),
  };
}

function storedEvent(snapshot: QueryDocumentSnapshot): StoredEvent {
  const { logicalTime, token, type, schemaVersion, text } = snapshot.data() as LoggedEvent;
  const at = millisecondsOf(snapshot.createTime);
  return { logicalTime, token, type, schemaVersion, text, at };
}
