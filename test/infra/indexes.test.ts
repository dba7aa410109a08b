import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { firestoreAuditLog } from '../../functions/src/adapters/firestore/audit-log.ts';
import { connectFirestore } from '../../functions/src/adapters/firestore/connect.ts';
import { firestoreDocuments } from '../../functions/src/adapters/firestore/documents.ts';
import { firestoreEvents } from '../../functions/src/adapters/firestore/events.ts';
import { firestoreState } from '../../functions/src/adapters/firestore/state.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import type { Namespace, Token } from '../../functions/src/token/token.ts';
import type { EntityId } from '../../functions/src/workflow/state.ts';
import { queriesAreIndexed } from '../../infra/policy/agreement.ts';
import type { NeededIndex } from '../../infra/policy/agreement.ts';
import { ofType } from '../../infra/policy/synthesised.ts';
import { requiredIndexes } from './support/required-indexes.ts';
import { resourcesOf } from './support/synthesised-environment.ts';

const ADAPTER = new URL('../../functions/src/adapters/firestore/', import.meta.url).pathname;
const NAMESPACE = 'shop' as Namespace;
const TOKEN = 'k1_t' as Token;
const PAGE = { limit: 10 };

/** A snapshot of events and the head of an entity at once. */
const CONTENT = { position: { logicalTime: 1, token: TOKEN }, covered: 0, text: '', version: 4 };

async function everyQuery(): Promise<void> {
  const connection = connectFirestore({ projectId: 'demo-indexes' });
  const { firestore } = connection;
  try {
    const documents = firestoreDocuments(connection, systemClock);
    await documents.select({ by: 'root', namespace: NAMESPACE, root: TOKEN }, PAGE);
    await documents.select({ by: 'status', namespace: NAMESPACE, status: 'in_doubt' }, PAGE);
    await documents.select({ by: 'due', shard: 0, before: 1 }, PAGE);
    await documents.select({ by: 'expired', shard: 0, before: 1 }, PAGE);
    await documents.selectWorkflows({ by: 'status', namespace: NAMESPACE, status: 'parked' }, PAGE);
    await documents.selectWorkflows({ by: 'due', shard: 0, before: 1 }, PAGE);
    await firestoreAuditLog(firestore).read(NAMESPACE, TOKEN, PAGE);
    const events = firestoreEvents(firestore);
    await events.read(NAMESPACE, TOKEN, PAGE);
    await events.loadSnapshot(NAMESPACE, TOKEN, 'order');
    const state = firestoreState(firestore);
    const entity = 'order/1' as EntityId;
    await state.readVersion(NAMESPACE, entity, 1);
    await state.history(NAMESPACE, entity, PAGE);
    await state.readAsOf(NAMESPACE, entity, 0).catch(() => {});
    await state.owed(PAGE);
  } finally {
    await connection.close();
  }
}

const filesWith = (text: string): string[] =>
  readdirSync(ADAPTER)
    .filter((file) => readFileSync(join(ADAPTER, file), 'utf8').includes(text))
    .toSorted();

describe('the queries of the Firestore adapter', () => {
  let needed: NeededIndex[];
  const emulator = process.env['FIRESTORE_EMULATOR_HOST'];

  beforeAll(async () => {
    // Nothing is sent there, but without credentials the client needs to believe in an emulator.
    process.env['FIRESTORE_EMULATOR_HOST'] = '127.0.0.1:1';
    needed = await requiredIndexes(CONTENT, everyQuery);
  });
  afterAll(() => {
    if (emulator === undefined) delete process.env['FIRESTORE_EMULATOR_HOST'];
    else process.env['FIRESTORE_EMULATOR_HOST'] = emulator;
  });

  it('need these indexes, in the collections that they ask', () => {
    const collections = needed.map(({ collection }) => collection).toSorted();
    expect(collections).toEqual([
      'events',
      'interventions',
      'operations',
      'operations',
      'operations',
      'operations',
      'state-versions',
      'state-versions',
      'workflows',
      'workflows',
    ]);
  });

  it('all have their index, in the order of its fields, and no other index is kept', () => {
    const resources = resourcesOf('prod');
    expect(queriesAreIndexed(needed)(resources)).toEqual([]);
    expect(ofType(resources, 'google_firestore_index')).toHaveLength(needed.length);
  });

  it('are refused where an index is missing, in another order, or single fields are indexed', () => {
    const resources = resourcesOf('prod');
    const [first] = ofType(resources, 'google_firestore_index');
    const without = resources.filter((resource) => resource !== first);
    expect(queriesAreIndexed(needed)(without).join()).toContain('No index for a query: ');
    const turned = needed.map(({ collection, fields }) => ({
      collection,
      fields: fields.toReversed(),
    }));
    expect(queriesAreIndexed(turned)(resources)).toHaveLength(needed.length);
    const indexed = resources.filter(({ key }) => key !== 'single-fields-operations');
    expect(queriesAreIndexed(needed)(indexed)).toEqual([
      'The single fields of operations are indexed.',
    ]);
  });

  it('are asked in these files only, each of them made here', () => {
    expect(filesWith('.where(')).toEqual([
      'audit-log.ts',
      'documents.ts',
      'events.ts',
      'queries.ts',
      'state.ts',
    ]);
  });
});
