import type { DocumentSnapshot, Firestore } from '@google-cloud/firestore';
import { STATE_COLLECTIONS } from '../../names.ts';
import { StoreAway } from '../../operation/errors.ts';
import type { StateStore, StateWrite } from '../../ports/state-store.ts';
import type { Namespace, Token } from '../../token/token.ts';
import { decideWrite, headDocumentId, versionDocumentId } from '../../workflow/state.ts';
import type { EntityHead, EntityId, StateVersion } from '../../workflow/state.ts';
import { refusedOrAway, rethrowAway, revisionOf, updateTime } from './conditions.ts';
import { millisecondsOf } from './store-time.ts';

const MAX_ROUNDS = 5;

/**
 * Versioned entities as Firestore documents: a head that is written over, and one document for each
 * version, its id made from its token. Both are written by one commit, conditional on the head's
 * update time and on the token being new. A version's time is that of its commit.
 */
export function firestoreState(
  firestore: Firestore,
  collections: Readonly<Record<keyof typeof STATE_COLLECTIONS, string>> = STATE_COLLECTIONS,
): StateStore {
  const heads = firestore.collection(collections.heads);
  const versions = firestore.collection(collections.versions);

  const headOf = (namespace: Namespace, entity: EntityId) =>
    heads.doc(headDocumentId(namespace, entity));
  const versionOf = (namespace: Namespace, entity: EntityId, token: Token) =>
    versions.doc(versionDocumentId(namespace, entity, token));
  const ofEntity = (namespace: Namespace, entity: EntityId) =>
    versions.where('namespace', '==', namespace).where('entity', '==', entity);

  /** `revision` is that of the head at `ifVersion`; of no use where there is to be none yet. */
  async function commit(
    namespace: Namespace,
    entity: EntityId,
    { ifVersion, token, schemaVersion, text }: StateWrite,
    revision: string,
  ): Promise<boolean> {
    const version = ifVersion + 1;
    const document = { namespace, entity, version, token, schemaVersion, text };
    const head = headOf(namespace, entity);
    const batch = firestore.batch();
    if (ifVersion === 0) batch.create(head, document);
    else batch.update(head, document, { lastUpdateTime: updateTime(revision) });
    batch.create(versionOf(namespace, entity, token), document);
    return (await batch.commit().catch(refusedOrAway)) !== 'refused';
  }

  async function read(namespace: Namespace, entity: EntityId): Promise<EntityHead | undefined> {
    return entityHead(await headOf(namespace, entity).get().catch(rethrowAway));
  }

  async function readVersion(
    namespace: Namespace,
    entity: EntityId,
    version: number,
  ): Promise<StateVersion | undefined> {
    const query = ofEntity(namespace, entity).where('version', '==', version).limit(1);
    const { docs } = await query.get().catch(rethrowAway);
    return docs[0] && stateVersion(docs[0]);
  }

  return {
    read,
    readVersion,

    async write(namespace, entity, write) {
      const { ifVersion, token } = write;
      let revision = ifVersion === 0 ? '' : write.revision;
      for (let round = 0; round < MAX_ROUNDS; round += 1) {
        if (revision !== undefined && (await commit(namespace, entity, write, revision))) {
          return { kind: 'written', version: ifVersion + 1 };
        }
        const documents = [headOf(namespace, entity), versionOf(namespace, entity, token)];
        const [first, second] = await firestore.getAll(...documents).catch(rethrowAway);
        const head = entityHead(first);
        const standing = { version: head?.version ?? 0, applied: stateVersion(second) };
        const decision = decideWrite(standing, ifVersion);
        if (decision.kind !== 'write') return decision;
        revision = head?.revision ?? '';
      }
      throw new StoreAway(
        `${entity} could not be written in ${MAX_ROUNDS} tries. Send the write again under its token.`,
      );
    },

    async readApplied(namespace, entity, token) {
      return stateVersion(await versionOf(namespace, entity, token).get().catch(rethrowAway));
    },

    /** By halving: one read for each doubling of the history. Commit times are in no index. */
    async readAsOf(namespace, entity, time) {
      const head = await read(namespace, entity);
      if (!head || head.at <= time) return head;
      let found: StateVersion | undefined;
      let above = head.version;
      for (let below = 0; above - below > 1;) {
        const middle = Math.floor((below + above) / 2);
        const version = await readVersion(namespace, entity, middle);
        if (!version) throw new StoreAway(`Version ${middle} of ${entity} could not be read.`);
        if (version.at <= time) [found, below] = [version, middle];
        else above = middle;
      }
      return found;
    },

    async history(namespace, entity, { limit, after = '0' }) {
      const query = ofEntity(namespace, entity).orderBy('version').startAfter(Number(after));
      const { docs } = await query.limit(limit).get().catch(rethrowAway);
      const found = docs.flatMap((document) => stateVersion(document) ?? []);
      const last = found.at(-1);
      if (docs.length < limit || !last) return { versions: found };
      return { versions: found, next: String(last.version) };
    },

    close: () => firestore.terminate(),
  };
}

function stateVersion(snapshot: DocumentSnapshot | undefined): StateVersion | undefined {
  // A version's document is never changed, and a head's is changed by its newest version.
  const at = snapshot?.updateTime;
  if (!snapshot || !at) return undefined;
  const { version, token, schemaVersion, text } = snapshot.data() as Omit<StateVersion, 'at'>;
  return { version, token, schemaVersion, text, at: millisecondsOf(at) };
}

function entityHead(snapshot: DocumentSnapshot | undefined): EntityHead | undefined {
  const head = stateVersion(snapshot);
  return head && snapshot?.updateTime && { ...head, revision: revisionOf(snapshot.updateTime) };
}
