import { FieldPath, FieldValue } from '@google-cloud/firestore';
import type { DocumentSnapshot, Firestore, Timestamp } from '@google-cloud/firestore';
import { STATE_COLLECTIONS } from '../../names.ts';
import { StoreAway } from '../../operation/errors.ts';
import type { EntityVersion, OwedVersions } from '../../ports/published-state.ts';
import type { StateStore, StateWrite } from '../../ports/state-store.ts';
import type { Namespace, Token } from '../../token/token.ts';
import { decideWrite, headDocumentId, versionDocumentId } from '../../workflow/state.ts';
import type { EntityHead, EntityId, StateVersion } from '../../workflow/state.ts';
import { refusedOrAway, rethrowAway, revisionOf, updateTime } from './conditions.ts';
import { millisecondsOf } from './store-time.ts';

const MAX_ROUNDS = 5;

export interface FirestoreStateOptions {
  readonly collections?: Readonly<Record<keyof typeof STATE_COLLECTIONS, string>>;
  /**
   * Has every version that is written owed to the topic of the history, until it is marked as published.
   * For deployments that have one: there the sweep publishes what is owed. Default false.
   */
  readonly published?: boolean;
}

/**
 * Versioned entities as Firestore documents: a head that is written over, and one document for each
 * version, its id made from its token. Both are written by one commit, conditional on the head's
 * update time and on the token being new. A version's time is that of its commit. Its document is never
 * changed but for `publication`, which is there only while the version is to be published.
 */
export function firestoreState(
  firestore: Firestore,
  { collections = STATE_COLLECTIONS, published = false }: FirestoreStateOptions = {},
): StateStore & OwedVersions {
  const heads = firestore.collection(collections.heads);
  const versions = firestore.collection(collections.versions);

  const headOf = (namespace: Namespace, entity: EntityId) =>
    heads.doc(headDocumentId(namespace, entity));
  const versionOf = (namespace: Namespace, entity: EntityId, token: Token) =>
    versions.doc(versionDocumentId(namespace, entity, token));
  const ofEntity = (namespace: Namespace, entity: EntityId) =>
    versions.where('namespace', '==', namespace).where('entity', '==', entity);

  /**
   * `revision` is that of the head at `ifVersion`; of no use where there is to be none yet. Answers the
   * time of the commit.
   */
  async function commit(
    namespace: Namespace,
    entity: EntityId,
    { ifVersion, token, schemaVersion, text }: StateWrite,
    revision: string,
  ): Promise<number | undefined> {
    const version = ifVersion + 1;
    const document = { namespace, entity, version, token, schemaVersion, text };
    const head = headOf(namespace, entity);
    const batch = firestore.batch();
    if (ifVersion === 0) batch.create(head, document);
    else batch.update(head, document, { lastUpdateTime: updateTime(revision) });
    const owed = published && { publication: 'owed' };
    batch.create(versionOf(namespace, entity, token), { ...document, ...owed });
    const results = await batch.commit().catch(refusedOrAway);
    const time = results === 'refused' ? undefined : results[0]?.writeTime;
    return time && millisecondsOf(time);
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
        if (revision !== undefined) {
          const at = await commit(namespace, entity, write, revision);
          if (at !== undefined) return { kind: 'written', version: ifVersion + 1, at };
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

    async owed({ limit, after }) {
      const inOrder = versions
        .where('publication', '==', 'owed')
        .orderBy('token')
        .orderBy(FieldPath.documentId());
      const position = after === undefined ? [] : after.split(' ');
      const query = after === undefined ? inOrder : inOrder.startAfter(...position);
      const { docs } = await query.limit(limit).get().catch(rethrowAway);
      const found = docs.flatMap((document) => entityVersion(document) ?? []);
      const last = docs.at(-1);
      if (docs.length < limit || !last) return { versions: found };
      return { versions: found, next: `${String(last.get('token'))} ${last.id}` };
    },

    async markPublished(those) {
      const batch = firestore.batch();
      for (const { namespace, entity, token } of those) {
        batch.update(versionOf(namespace, entity, token), { publication: FieldValue.delete() });
      }
      await batch.commit().catch(rethrowAway);
    },

    close: () => firestore.terminate(),
  };
}

function stateVersion(snapshot: DocumentSnapshot | undefined): StateVersion | undefined {
  // Its own write made the document; that it is published was noted later.
  return snapshot?.createTime && contents(snapshot, snapshot.createTime);
}

function entityVersion(snapshot: DocumentSnapshot): EntityVersion | undefined {
  const version = stateVersion(snapshot);
  const { namespace, entity } = snapshot.data() as Pick<EntityVersion, 'namespace' | 'entity'>;
  return version && { ...version, namespace, entity };
}

function entityHead(snapshot: DocumentSnapshot | undefined): EntityHead | undefined {
  const at = snapshot?.updateTime; // of its newest version's write
  return at && { ...contents(snapshot, at), revision: revisionOf(at) };
}

function contents(snapshot: DocumentSnapshot, at: Timestamp): StateVersion {
  const { version, token, schemaVersion, text } = snapshot.data() as Omit<StateVersion, 'at'>;
  return { version, token, schemaVersion, text, at: millisecondsOf(at) };
}
