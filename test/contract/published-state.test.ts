import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { firestoreState } from '../../functions/src/adapters/firestore/state.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import { publishingState, publishOwed } from '../../functions/src/engine/publish-state.ts';
import { StoreAway } from '../../functions/src/operation/errors.ts';
import type { EntityVersion, VersionPublisher } from '../../functions/src/ports/published-state.ts';
import type { StateStore } from '../../functions/src/ports/state-store.ts';
import { entityId } from '../../functions/src/workflow/state.ts';
import { sharedFirestore } from '../support/firestore.ts';
import { ACCOUNT, SHOP, tokenOf } from './state-store-fixture.ts';

const firestore = sharedFirestore();
const FAR = { limit: 1_000 };

/** A store that publishes to a topic, which fares as `take` says; events that it logs. */
function bench({ published = true } = {}) {
  const id = randomUUID();
  const collections = { heads: `heads-${id}`, versions: `versions-${id}` };
  const owed = firestoreState(firestore(), { collections, published });
  const topic: EntityVersion[] = [];
  const fate = { take: async (_version: EntityVersion): Promise<void> => {} };
  const publisher: VersionPublisher = {
    async publish(versions) {
      for (const each of versions) {
        await fate.take(each);
        topic.push(each);
      }
    },
  };
  const events: string[] = [];
  const telemetry = { decision() {}, event: (_: unknown, what: string) => void events.push(what) };
  const surroundings = { clock: systemClock, telemetry };
  const store = publishingState(owed, { owed, publisher }, surroundings);
  return {
    owed,
    store,
    topic,
    fate,
    events,
    sweep: (limit?: number) => publishOwed({ owed, publisher }, surroundings, limit),
  };
}

function put(store: StateStore, version: number, entity = ACCOUNT, key = `v${version}`) {
  const write = {
    ifVersion: version - 1,
    token: tokenOf(key),
    schemaVersion: 3,
    text: `{"n":${version}}`,
  };
  return store.write(SHOP, entity, write);
}

test('every version that is written is published, as it is read, and nothing is owed then', async () => {
  const { store, owed, topic, sweep } = bench();
  await put(store, 1);
  await put(store, 2);
  const { versions } = await store.history(SHOP, ACCOUNT, FAR);
  expect(topic).toEqual(
    versions.map((version) => ({ ...version, namespace: SHOP, entity: ACCOUNT })),
  );
  expect(await owed.owed(FAR)).toEqual({ versions: [] });
  expect(await sweep()).toEqual({ versions: 0, failed: 0 });
  expect(topic).toHaveLength(2);
});

test('that a version is published changes nothing of it, nor what held at a time', async () => {
  const { owed, sweep } = bench();
  await put(owed, 1);
  const before = await owed.readVersion(SHOP, ACCOUNT, 1);
  await sweep();
  await put(owed, 2);
  expect(await owed.readVersion(SHOP, ACCOUNT, 1)).toEqual(before);
  expect(await owed.readApplied(SHOP, ACCOUNT, tokenOf('v1'))).toEqual(before);
  expect(await owed.readAsOf(SHOP, ACCOUNT, before!.at)).toEqual(before);
});

test('a writer that dies after its write leaves the version to the sweep', async () => {
  const { owed, topic, sweep } = bench();
  await put(owed, 1); // and nobody publishes
  expect(await sweep()).toEqual({ versions: 1, failed: 0 });
  expect(topic).toMatchObject([{ entity: ACCOUNT, version: 1, schemaVersion: 3, text: '{"n":1}' }]);
  expect(await sweep()).toEqual({ versions: 0, failed: 0 });
});

test('one that dies between publishing and its mark has the same version published again', async () => {
  const { owed, topic, sweep } = bench();
  const markPublished = async () => {
    throw new StoreAway('The process is gone.');
  };
  const dying = publishingState(
    owed,
    {
      owed: { ...owed, markPublished },
      publisher: { publish: async (all) => void topic.push(...all) },
    },
    { clock: systemClock, telemetry: { decision() {}, event() {} } },
  );
  await put(dying, 1);
  expect(await sweep()).toMatchObject({ failed: 0 });
  expect(topic).toHaveLength(2);
  expect(topic[1]).toEqual(topic[0]);
});

test('a write is answered though the topic gives no answer, and its version stays owed', async () => {
  const { store, fate, topic, events, sweep } = bench();
  fate.take = () => new Promise(() => {});
  expect(await put(store, 1)).toMatchObject({ kind: 'written', version: 1 });
  expect(events).toEqual(['A version of state is not published yet; a sweep does it']);
  fate.take = async () => {};
  expect(await sweep()).toEqual({ versions: 1, failed: 0 });
  expect(topic).toHaveLength(1);
});

test('a repeated write publishes nothing anew', async () => {
  const { store, topic } = bench();
  await put(store, 1);
  expect(await put(store, 1)).toMatchObject({ kind: 'repeated' });
  expect(topic).toHaveLength(1);
});

test('a version that the topic refuses keeps no other from being published', async () => {
  const { owed, fate, topic, events, sweep } = bench();
  for (const version of [1, 2, 3]) await put(owed, version);
  fate.take = async ({ version }) => {
    if (version === 2) throw new Error('It does not fit the schema.');
  };
  expect(await sweep()).toEqual({ versions: 2, failed: 1 });
  expect(topic.map(({ version }) => version).toSorted((a, b) => a - b)).toEqual([1, 3]);
  expect(events).toHaveLength(1);
  expect((await owed.owed(FAR)).versions).toMatchObject([{ version: 2 }]);
});

test('all that is owed is found page by page, entities that share a token included', async () => {
  const { owed, topic, sweep } = bench();
  const entities = Array.from({ length: 120 }, (_, number) => entityId('order', String(number)));
  await Promise.all(entities.map((entity) => put(owed, 1, entity, 'one token')));
  expect(await sweep(70)).toEqual({ versions: 70, failed: 0 });
  expect(await sweep()).toEqual({ versions: 50, failed: 0 });
  expect(new Set(topic.map(({ entity }) => entity))).toEqual(new Set(entities));
});

test('a store that does not publish owes nothing', async () => {
  const { owed } = bench({ published: false });
  await put(owed, 1);
  expect(await owed.owed(FAR)).toEqual({ versions: [] });
});
